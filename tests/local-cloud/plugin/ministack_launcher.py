"""Starts ministack with the plug-in; its settings come from the environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ministack_plugin
from ministack import app

if __name__ == "__main__":
    ministack_plugin.apply()
    sys.argv[1:] = []
    app.main()
