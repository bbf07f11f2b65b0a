"""One connection of a run, as its client sees it."""

import socket

from .contract_error import one_line
from .processor import Processor

# The close code of a normal end (RFC 6455, section 7.4.1).
_NORMAL = 1000


class ClientError(Exception):
    """What failed, as a message for people: no report, exit code 1."""


class Session:
    """One connection of a run."""

    def __init__(self, plan, connection, address, stop, meter):
        #: The plan, checked.
        self.plan = plan
        #: Its index among the connections of the run.
        self.connection = connection
        #: What to ask for in the WebSocket handshake.
        self.url = plan.urls[connection]
        #: Under TLS: a PEM file with the certificate to trust; None on a plain connection.
        self.ca = plan.ca
        #: Where to connect: the socket's family, and the address in the URL.
        self.family, self.address = address
        #: Processes the messages.
        self.processor = Processor(plan, stop, meter, connection)
        #: For a client with a queue: how many ticks are left in it, counted there.
        self.queued = 0
        #: The code of the close frame, once it has come.
        self.close_code = None
        #: How the connection ended without a close frame: a message.
        self.failure = None
        self._stop = stop

    @property
    def is_stopped(self):
        """Whether the run was ended from outside."""
        return self._stop.is_set_now

    @property
    def is_ended(self):
        """Whether the client has said how the connection ended."""
        return self.close_code is not None or self.failure is not None

    @property
    def is_closed_normally(self):
        """Whether the server closed the connection with code 1000."""
        return self.close_code == _NORMAL

    @property
    def end_detail(self):
        """How the connection ended, for the report."""
        return self.failure or f"close code {self.close_code}"

    async def connect(self, loop):
        """A connected and registered socket, for an asyncio library to use."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, self.address)
        except OSError as error:
            sock.close()
            raise ClientError(f"cannot connect to {self.url}: {error.strerror}") from None
        self.register_socket(sock)
        return sock

    def register_socket(self, sock):
        """To be called as soon as the socket is connected, before the handshake.

        Sets the options, the same for all clients. Keeps a duplicate of the
        descriptor: when the run is stopped, its reading side is shut down, so
        that a reader that waits gets the end of the stream.
        """
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer_bytes = self.plan.receive_buffer_bytes
        if buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._stop.add_socket(sock.dup())

    def ready(self):
        """To be called after the handshake; returns the processor of its messages."""
        self._stop.enter_ready()
        return self.processor

    def closed(self, code):
        """To be called when a close frame came, with its code (1005 when it had none)."""
        self.close_code = code

    def failed(self, message="the stream ended without a close frame"):
        """To be called when the connection ended in any other way."""
        self.failure = one_line(message)

    def counts(self):
        """The counts of this connection."""
        return self.processor.counts(self.queued)
