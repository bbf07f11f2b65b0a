"""The build step of a Python client, run in its folder: a virtual environment
with what requirements.txt pins, unless there is one already."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

LEAST_PYTHON = (3, 11)
FOLDER = Path(".venv")
REQUIREMENTS = Path("requirements.txt")


def main():
    if sys.version_info < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        sys.exit(f"this is Python {sys.version.split()[0]}: install {least} or later")
    if is_installed(FOLDER):
        return
    # Beside its place, and moved there at once: two builds at a time do no harm.
    room = Path(tempfile.mkdtemp(prefix=".install-", dir="."))
    try:
        install(room / "venv")
        if FOLDER.exists():
            FOLDER.rename(room / "old")
        (room / "venv").rename(FOLDER)
    except (OSError, subprocess.CalledProcessError) as error:
        # Another build may have been quicker.
        if not is_installed(FOLDER):
            sys.exit(f"the virtual environment could not be made: {error}")
    finally:
        shutil.rmtree(room, ignore_errors=True)


def receipt():
    """What an environment is made of: the pins, and the interpreter."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{pins} {sys.version} {os.path.realpath(sys.executable)}\n"


def is_installed(folder):
    try:
        return (folder / "receipt").read_text() == receipt()
    except OSError:
        return False


def install(folder):
    """Debian keeps what `venv` installs pip from in a package of its own; a pip
    outside of the environment does as well."""
    python = folder / "bin" / "python"
    if find_spec("ensurepip"):
        run(sys.executable, "-m", "venv", folder)
        pip = [python, "-m", "pip"]
    elif find_spec("pip"):
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        pip = [sys.executable, "-m", "pip", "--python", python]
    else:
        sys.exit("Python has neither `ensurepip` nor `pip`: install python3-venv")
    run(*pip, "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS)
    (folder / "receipt").write_text(receipt())


def run(*words):
    # Standard output may be read by a program.
    subprocess.run(list(map(str, words)), check=True, stdin=subprocess.DEVNULL, stdout=2)


if __name__ == "__main__":
    main()
