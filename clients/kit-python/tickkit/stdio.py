"""Lines on stdin and stdout, and the end of the process."""

import os
import sys

from .contract import format_line
from .contract_error import ContractError, one_line

_MAX_LINE_BYTES = 1 << 20


def read_line():
    """The next line of stdin; None at its end."""
    line = sys.stdin.buffer.readline(_MAX_LINE_BYTES + 2)
    if len(line) > _MAX_LINE_BYTES + 1:
        raise ContractError("line_too_long", most=_MAX_LINE_BYTES)
    return line.decode("utf-8", "replace").rstrip("\n") if line else None


def write_line(line):
    """Writes a line of the contract to stdout."""
    sys.stdout.write(format_line(line))
    sys.stdout.flush()


def exit_process(code, message=None):
    """Ends the process from any thread, with a last message on stderr."""
    if message is not None:
        sys.stderr.write(f"{one_line(message)}\n")
        sys.stderr.flush()
    os._exit(code)
