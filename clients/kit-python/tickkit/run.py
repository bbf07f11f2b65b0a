"""`main` of every client: plan in, hello out, the run, report out.

What ends a run from outside (a `stop` line, the end of stdin, a deadline, the
memory ceiling) comes from two threads that sleep while ticks are counted.
"""

import os
import socket
import sys
import threading
import time
import traceback

from .contract import Counts, Final, Plan, Ready, Samples, Stop, format_line, parse_line
from .contract_error import ContractError, one_line
from .meter import Meter
from .plan import check_plan
from .taker import Taker

#: The largest message that a client takes; a larger one ends the connection.
MAX_MESSAGE_BYTES = 1 << 20

_MAX_LINE_BYTES = 1 << 20
_SAMPLES_PER_LINE = 2048
# The close code of an orderly end (RFC 6455, section 7.4.1).
_NORMAL = 1000
# How often a stopped client is nudged until it has reported.
_NUDGE_S = 0.02
# How often the memory of a client with an unbounded queue is looked at.
_MEMORY_CHECK_S = 0.01
# A longer wait is none that a thread can do.
_MAX_WAIT_S = 1e6


def main(identify, run, speaks_tls=False):
    """Runs a client from its plan to its report, and ends the process.

    `identify(plan)` gives its `Hello`. `run(sessions)` gets a session for each
    connection of the plan, mostly one; it opens them all and reads each until
    its end, of which it tells the session, or until it is asked to stop. With
    `speaks_tls` it believes `session.ca` where there is one.
    """
    _check_arguments()
    begin_s = time.monotonic()
    try:
        plan, addresses = _read_plan(speaks_tls)
        meter = Meter(plan.meter, len(addresses))
    except ContractError as error:
        _leave(2, error)
    try:
        hello = identify(plan)
        _say(hello)
        stop = StopSignal(plan, len(addresses), hello.queue.kind == "unbounded", begin_s)
        sessions = [Session(plan, n, address, stop, meter) for n, address in enumerate(addresses)]
        run(sessions)
        stop.finish()
        _report(sessions, stop.cause)
    except BrokenPipeError:
        _leave(1, "cannot write to stdout: nobody reads it")
    except Exception as error:
        if not isinstance(error, ClientError):
            traceback.print_exc()
        _leave(1, str(error) or type(error).__name__)
    _leave(0)


class ClientError(Exception):
    """What went wrong, in words for people: no report, exit code 1."""


class StopSignal:
    """What ends a run from outside."""

    def __init__(self, plan, connections, has_ceiling, begin_s):
        #: Whether to stop reading and processing; looked at for each message.
        self.is_set_now = False
        #: Why: stopped, deadline or memory_ceiling; the first cause stands.
        self.cause = None
        self._plan = plan
        self._awaited = connections
        self._is_over = False
        self._sockets = []
        self._changed = threading.Condition()
        for body, arguments in ((self._guard, (has_ceiling, begin_s)), (self._listen, ())):
            threading.Thread(target=body, args=arguments, daemon=True).start()

    def add_socket(self, descriptor):
        """A duplicate of a client's socket, to wake it with."""
        with self._changed:
            self._sockets.append(descriptor)
            self._changed.notify_all()

    def enter_ready(self):
        """One connection is ready; says `ready` with the last of them."""
        with self._changed:
            self._awaited -= 1
            if self._awaited == 0:
                _say(Ready())
                self._changed.notify_all()

    def finish(self):
        """The client has returned: nothing is left to be ended."""
        with self._changed:
            self._is_over = True

    def set(self, cause):
        """Ends the run."""
        with self._changed:
            if not self._is_over:
                self.cause = self.cause or cause
                self.is_set_now = True
            self._changed.notify_all()

    def _listen(self):
        """Waits for `stop` or the end of stdin."""
        try:
            line = _read_line()
            if line is not None and isinstance(parse_line(line), Plan):
                raise ContractError("second_plan")
        except ContractError as error:
            _leave(1, error)
        except OSError:
            pass  # A harness that died leaves a broken pipe, which means the same as its end.
        self.set("stopped")

    def _guard(self, has_ceiling, begin_s):
        """Keeps the deadlines, counted from `begin_s`, and sees a stopped client home."""
        plan = self._plan
        with self._changed:
            while not self._is_over:
                elapsed_ms = (time.monotonic() - begin_s) * 1000
                connect_ms = plan.connect_deadline_ms if self._awaited else float("inf")
                if elapsed_ms >= plan.deadline_ms:
                    self.set("deadline")
                elif elapsed_ms >= connect_ms and not self.is_set_now:
                    urls, ms = ", ".join(plan.urls), plan.connect_deadline_ms
                    _leave(1, f"not connected to {urls} within {ms} ms")
                elif has_ceiling and _resident_bytes() >= plan.memory_ceiling_bytes:
                    self.set("memory_ceiling")
                if self.is_set_now:
                    self._wake()
                    wait_s = _NUDGE_S
                else:
                    wait_s = (min(connect_ms, plan.deadline_ms) - elapsed_ms) / 1000
                    wait_s = min(wait_s, _MEMORY_CHECK_S) if has_ceiling else wait_s
                self._changed.wait(max(0.0, min(wait_s, _MAX_WAIT_S)))

    def _wake(self):
        """Makes a read that waits return the end of the stream, in any runtime."""
        if self._awaited:
            # It may hang in its connecting, where nothing can wake it.
            _say(_final(Counts.sum([]), self.cause, "before it was connected"))
            _leave(0)
        for descriptor in self._sockets:
            try:
                descriptor.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # The connection is gone, which wakes a reader too.


class Session:
    """One connection of a run as its client sees it."""

    def __init__(self, plan, connection, address, stop, meter):
        #: The plan, checked.
        self.plan = plan
        #: Its place among the connections of the run, from 0.
        self.connection = connection
        #: What to ask for in the WebSocket handshake.
        self.url = plan.urls[connection]
        #: Under TLS: a PEM file with the certificate to believe; None: plain.
        self.ca = plan.ca
        #: Where to connect: the socket's family, and the address in the URL.
        self.family, self.address = address
        #: Takes the messages.
        self.taker = Taker(plan, stop, meter, connection)
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

    async def dial(self, loop):
        """A connected, adopted socket for an asyncio library to use."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, self.address)
        except OSError as error:
            sock.close()
            raise ClientError(f"cannot connect to {self.url}: {error.strerror}") from None
        self.adopt(sock)
        return sock

    def adopt(self, sock):
        """To be called as soon as the socket is connected, before the handshake.

        Sets what the plan wants, the same for all. Keeps a duplicate of the
        descriptor: when the run is stopped, its reading side is shut down, so
        that a reader that waits gets the end of the stream.
        """
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer_bytes = self.plan.receive_buffer_bytes
        if buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._stop.add_socket(sock.dup())

    def ready(self):
        """To be called after the handshake; gives the taker of its messages."""
        self._stop.enter_ready()
        return self.taker

    def closed(self, code):
        """A close frame came, with this code (1005 when it had none)."""
        self.close_code = code

    def broken(self, how="the stream ended without a close frame"):
        """The connection ended in any other way."""
        self.failure = one_line(how)

    @property
    def is_ended(self):
        """Whether the client has said how the connection ended."""
        return self.close_code is not None or self.failure is not None


def _report(sessions, cause):
    books = Counts.sum([session.taker.counts(session.queued) for session in sessions])
    unclean = [session for session in sessions if session.close_code != _NORMAL]
    ended, detail = "closed", None
    if cause and (unclean or books.queued):
        ended = cause
    elif unclean:
        first = unclean[0]
        if not first.is_ended:
            raise ClientError("the client ended before it was asked to")
        ended, detail = "disconnected", first.failure or f"close code {first.close_code}"
    elif books.queued:
        raise ClientError(
            "the server closed the connection, but the client left"
            f" {books.queued} ticks in its queue"
        )
    for session in sessions:
        rows = session.taker.rows()
        for at in range(0, len(rows), _SAMPLES_PER_LINE):
            part = rows[at : at + _SAMPLES_PER_LINE]
            _say(Samples(session.connection, part))
    _say(_final(books, ended, detail))


def _final(counts, ended, detail):
    return Final(**vars(counts), ended=ended, detail=detail)


def _check_arguments():
    if sys.argv[1:] in (["-h"], ["--help"]):
        print("A client of the tick bench: reads its plan from stdin.")
        sys.exit(0)
    if sys.argv[1:]:
        _leave(2, f"unknown argument `{sys.argv[1]}`: this client has none")
    if sys.stdin.isatty():
        print("This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one.",
              file=sys.stderr)


def _read_plan(speaks_tls):
    line = _read_line()
    if line is None:
        raise ContractError("no_plan")
    plan = parse_line(line)
    if isinstance(plan, Stop):
        raise ContractError("stop_before_plan")
    return plan, check_plan(plan, speaks_tls)


def _read_line():
    """The next line of stdin; None at its end."""
    line = sys.stdin.buffer.readline(_MAX_LINE_BYTES + 2)
    if len(line) > _MAX_LINE_BYTES + 1:
        raise ContractError("line_too_long", most=_MAX_LINE_BYTES)
    return line.decode("utf-8", "replace").rstrip("\n") if line else None


def _say(line):
    sys.stdout.write(format_line(line))
    sys.stdout.flush()


def _resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _leave(code, words=None):
    """Ends the process, from any thread and whatever else it does."""
    if words is not None:
        sys.stderr.write(f"{one_line(words)}\n")
        sys.stderr.flush()
    os._exit(code)
