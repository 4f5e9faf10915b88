"""Starts moto with the plug-in: `python moto_launcher.py PORT`."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import moto_plugin
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto_plugin import control
from werkzeug.serving import run_simple


def main() -> None:
    moto_plugin.apply()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the plug-in logs each call by its action
    application = control.middleware(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
