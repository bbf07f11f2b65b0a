"""The kit of Python clients: main, plan, clock, counting, sampling, report.

A client owns its socket, its runtime and its queue; all else is here. Only the
standard library, Python 3.9 or later, Linux.
"""

from .contract import Hello, Queue
from .run import MAX_MESSAGE_BYTES, ClientError, Session, main
from .taker import Taker

__all__ = ["MAX_MESSAGE_BYTES", "ClientError", "Hello", "Queue", "Session", "Taker", "main"]
