"""The kit of Python clients: main, plan, clock, counting, sampling, report.

A client owns its socket, its runtime and its queue; everything else is here. Only the
standard library, Python 3.9 or later, Linux.
"""

from .contract import Hello, Queue
from .processor import Processor
from .run import MAX_MESSAGE_BYTES, main
from .session import ClientError, Session

__all__ = ["MAX_MESSAGE_BYTES", "ClientError", "Hello", "Processor", "Queue", "Session", "main"]
