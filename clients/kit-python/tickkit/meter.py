"""The meter: a small shared file, where the harness reads from outside how far a client
has come."""

import mmap
import os

from .contract_error import ContractError

_MAGIC = b"TICKMTR1"
_PAGE_BYTES = 4096
# In counters of 8 bytes: where those of the first connection are, and the distance to those
# of the next.
_RECEIVED_AT = 8
_PROCESSED_AT = 16
_STRIDE = 16


class Meter:
    """The counters of a run; with None as its path, counters that nobody reads."""

    def __init__(self, path, connections):
        """Maps the meter file that the harness made."""
        size = -(-_STRIDE * 8 * (connections + 1) // _PAGE_BYTES) * _PAGE_BYTES
        #: The counters, by their index in the file.
        self.values = memoryview(_map(path, size)).cast("Q")

    @staticmethod
    def indexes(connection):
        """The indexes of `received` and `processed` of a connection."""
        return _RECEIVED_AT + _STRIDE * connection, _PROCESSED_AT + _STRIDE * connection


def _map(path, size):
    if path is None:
        return mmap.mmap(-1, size)
    try:
        with open(path, "r+b", buffering=0) as file:
            if file.read(len(_MAGIC)) != _MAGIC or os.fstat(file.fileno()).st_size != size:
                raise OSError("not a meter file")
            return mmap.mmap(file.fileno(), size)
    except (OSError, ValueError) as error:
        raise ContractError("bad_meter", detail=error) from None
