"""The build step of a Python client, run in its directory: a virtual environment with what
requirements.txt pins, unless there is one already."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

MIN_PYTHON = (3, 11)
VENV = Path(".venv")
REQUIREMENTS = Path("requirements.txt")


def main():
    if sys.version_info < MIN_PYTHON:
        minimum = ".".join(map(str, MIN_PYTHON))
        sys.exit(f"this is Python {sys.version.split()[0]}: install {minimum} or later")
    if is_installed(VENV):
        return
    # In a temporary directory, then moved into place: two builds at a time do no harm.
    directory = Path(tempfile.mkdtemp(prefix=".install-", dir="."))
    try:
        install(directory / "venv")
        if VENV.exists():
            VENV.rename(directory / "old")
        (directory / "venv").rename(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        # Another build may have been faster.
        if not is_installed(VENV):
            sys.exit(f"cannot make the virtual environment: {error}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def receipt():
    """What an environment is built from: the pins, and the interpreter."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{pins} {sys.version} {os.path.realpath(sys.executable)}\n"


def is_installed(venv):
    try:
        return (venv / "receipt").read_text() == receipt()
    except OSError:
        return False


def install(venv):
    """Debian has the source of pip for `venv` in a package of its own; a pip outside the
    environment works as well."""
    python = venv / "bin" / "python"
    if find_spec("ensurepip"):
        run(sys.executable, "-m", "venv", venv)
        pip = [python, "-m", "pip"]
    elif find_spec("pip"):
        run(sys.executable, "-m", "venv", "--without-pip", venv)
        pip = [sys.executable, "-m", "pip", "--python", python]
    else:
        sys.exit("Python has neither `ensurepip` nor `pip`: install python3-venv")
    run(*pip, "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS)
    (venv / "receipt").write_text(receipt())


def run(*command):
    # To stderr: a program may read stdout.
    subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL, stdout=2)


if __name__ == "__main__":
    main()
