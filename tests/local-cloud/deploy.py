"""`sam deploy` of the very template ops deploy, onto the local cloud."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

from environment import HERE, REGION, ROOT, Home, Problem, client_variables, python, say, venv


#: What the local cloud wants to be different, for templates that have these parameters.
LOCAL_PARAMETERS = {"WakeSeconds": "1", "GraceSeconds": "2", "ConsistencySeconds": "5", "EnforceTls": "false"}


def deploy_stack(home: Home, state: dict[str, Any], arguments: argparse.Namespace) -> dict[str, str]:
    """Deploys and returns the stack's outputs."""
    template = _template(home, arguments)
    variables = _variables(home, state)
    command = [
        str(venv("tools") / "bin" / "sam"),
        "deploy",
        *(["--config-file", str(ROOT / "samconfig.toml")] if (ROOT / "samconfig.toml").exists() else []),
        *("--template-file", str(template), "--stack-name", arguments.stack_name, "--region", REGION),
        *("--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
        *_overrides(template, arguments.parameters),
    ]
    say(f"deploying {os.path.relpath(template)} as stack {arguments.stack_name} …")
    start, log = time.monotonic(), home.logs / "deploy.log"
    with log.open("w") as output:
        output.write(shlex.join(command) + "\n")
        output.flush()
        failed = subprocess.run(command, env=variables, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT).returncode
    if failed:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise Problem(f"sam deploy failed; the end of {os.path.relpath(log)}:\n{tail}")
    say(f"deployed in {time.monotonic() - start:.0f} s")
    return json.loads(_helper(variables, "outputs", arguments.stack_name))


def _overrides(template: Path, given: list[str]) -> list[str]:
    text = template.read_text()
    values = {name: value for name, value in LOCAL_PARAMETERS.items() if f"\n  {name}:" in text}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise Problem(f"a parameter is written KEY=VALUE, not {item}")
        values[name] = value
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in values.items())] if values else []


def _template(home: Home, arguments: argparse.Namespace) -> Path:
    binaries = dict(_named(text) for text in arguments.bootstrap)
    if arguments.template and not (binaries or arguments.zip):
        return _existing(arguments.template)
    if not binaries and not arguments.zip:
        return _existing(ROOT / ".aws-sam" / "build" / "template.yaml")
    source, build = _existing(arguments.template or ROOT / "template.yaml"), home.path / "build"
    shutil.rmtree(build, ignore_errors=True)
    for function, binary in binaries.items():
        _package_binary(build / function, _existing(binary))
    if arguments.zip:
        with zipfile.ZipFile(_existing(arguments.zip)) as archive:
            archive.extractall(build / "ProvisionFunction")
        (build / "ProvisionFunction" / "bootstrap").chmod(0o755)
    functions = sorted(path.name for path in build.iterdir())
    _helper(None, "package", str(source), str(build / "template.yaml"), *functions)
    return build / "template.yaml"


def _named(text: str) -> tuple[str, Path]:
    function, _, path = text.rpartition("=")
    return function or "ProvisionFunction", Path(path)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise Problem(f"{path} does not exist")
    return path.resolve()


def _package_binary(folder: Path, binary: Path) -> None:
    folder.mkdir(parents=True)
    target = folder / "bootstrap"
    shutil.copyfile(binary, target)
    target.chmod(0o755)
    if target.read_bytes()[:4] == b"\x7fELF" and (strip := shutil.which("strip")):
        # Debug information makes the zip many times larger and tells the local cloud nothing.
        subprocess.run([strip, str(target)], check=False)


def _variables(home: Home, state: dict[str, Any]) -> dict[str, str]:
    """The caller's environment without its AWS settings: a deploy must never reach a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("AWS_", "SAM_"))}
    tools = f"{venv('tools') / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | nothing | {"PATH": tools, "__SAM_CLI_APP_DIR": str(home.path / "sam")} | client_variables(state)


def _helper(variables: dict[str, str] | None, *arguments: str) -> str:
    command = [python("emulators"), str(HERE / "template_tool.py"), *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise Problem(done.stderr.strip().splitlines()[-1])
    return done.stdout
