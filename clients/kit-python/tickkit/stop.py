"""What ends a run from outside: a `stop` line, the end of stdin, a deadline, the memory
ceiling. Two threads wait for them, which sleep while ticks are counted."""

import os
import socket
import threading
import time

from .contract import Counts, Plan, Ready, parse_line
from .contract_error import ContractError
from .stdio import exit_process, read_line, write_line

# Between two attempts to wake the readers of a stopped client, until it has reported.
_WAKE_INTERVAL_S = 0.02
# Between two checks of the memory of a client with an unbounded queue.
_MEMORY_CHECK_INTERVAL_S = 0.01
# A thread cannot wait longer than this.
_MAX_WAIT_S = 1e6


class StopSignal:
    """The flag that stops a client, and why it was set."""

    def __init__(self, plan, connections, has_memory_ceiling, begin_s):
        """Starts both threads. The deadlines count from `begin_s`."""
        #: Whether to stop reading and processing; checked for each message.
        self.is_set_now = False
        #: Why: stopped, deadline or memory_ceiling; the first cause stands.
        self.cause = None
        self._plan = plan
        self._awaited = connections
        self._is_over = False
        self._sockets = []
        self._changed = threading.Condition()
        guard = (self._keep_deadlines, (has_memory_ceiling, begin_s))
        for body, arguments in (guard, (self._wait_for_stop, ())):
            threading.Thread(target=body, args=arguments, daemon=True).start()

    def add_socket(self, sock):
        """A duplicate of a client's socket, to wake its reader with."""
        with self._changed:
            self._sockets.append(sock)
            self._changed.notify_all()

    def enter_ready(self):
        """One connection is ready; with the last of them, writes `ready`."""
        with self._changed:
            self._awaited -= 1
            if self._awaited == 0:
                write_line(Ready())
                self._changed.notify_all()

    def finish(self):
        """The client has returned: nothing is left to be ended. Returns what had ended it."""
        with self._changed:
            self._is_over = True
            return self.cause

    def set(self, cause):
        """Ends the run."""
        with self._changed:
            if not self._is_over:
                self.cause = self.cause or cause
                self.is_set_now = True
            self._changed.notify_all()

    def _wait_for_stop(self):
        """Waits for `stop` or the end of stdin."""
        try:
            line = read_line()
            if line is not None and isinstance(parse_line(line), Plan):
                raise ContractError("second_plan")
        except ContractError as error:
            exit_process(1, error)
        except OSError:
            pass  # A harness that died leaves a broken pipe, which means the same as its end.
        self.set("stopped")

    def _keep_deadlines(self, has_memory_ceiling, begin_s):
        """Keeps the deadlines, and wakes the readers of a stopped client until it has returned."""
        plan = self._plan
        with self._changed:
            while not self._is_over:
                elapsed_ms = (time.monotonic() - begin_s) * 1000
                connect_ms = plan.connect_deadline_ms if self._awaited else float("inf")
                if elapsed_ms >= plan.deadline_ms:
                    self.set("deadline")
                elif elapsed_ms >= connect_ms and not self.is_set_now:
                    urls, ms = ", ".join(plan.urls), plan.connect_deadline_ms
                    exit_process(1, f"not connected to {urls} within {ms} ms")
                elif has_memory_ceiling and _resident_bytes() >= plan.memory_ceiling_bytes:
                    self.set("memory_ceiling")
                if self.is_set_now:
                    self._wake_readers()
                    wait_s = _WAKE_INTERVAL_S
                else:
                    wait_s = (min(connect_ms, plan.deadline_ms) - elapsed_ms) / 1000
                    wait_s = min(wait_s, _MEMORY_CHECK_INTERVAL_S) if has_memory_ceiling else wait_s
                self._changed.wait(max(0.0, min(wait_s, _MAX_WAIT_S)))

    def _wake_readers(self):
        """Makes a read that waits return the end of the stream, in any runtime."""
        if self._awaited:
            # The client may hang while it connects, where nothing can wake it.
            write_line(Counts.sum([]).report(self.cause, "before it was connected"))
            exit_process(0)
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # The connection is gone, which wakes a reader too.


def _resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
