"""`main` of every client: plan in, hello out, the run, report out."""

import sys
import time
import traceback

from .contract import Counts, Samples, Stop, parse_line
from .contract_error import ContractError
from .meter import Meter
from .plan import check_plan
from .session import ClientError, Session
from .stdio import exit_process, read_line, write_line
from .stop import StopSignal

#: The largest message that a client takes; a larger one ends the connection.
MAX_MESSAGE_BYTES = 1 << 20

_SAMPLES_PER_LINE = 2048


def main(identify, run, speaks_tls=False):
    """Runs a client from its plan to its report, and ends the process.

    `identify(plan)` returns its `Hello`. `run(sessions)` gets a session for each
    connection of the plan, mostly one: it opens them all and reads each until it is
    stopped or the connection ends, and then tells the session how. With `speaks_tls` it
    trusts `session.ca` where there is one.
    """
    _check_arguments()
    begin_s = time.monotonic()
    try:
        plan, addresses = _read_plan(speaks_tls)
        meter = Meter(plan.meter, len(addresses))
    except ContractError as error:
        exit_process(2, error)
    try:
        hello = identify(plan)
        write_line(hello)
        has_memory_ceiling = hello.queue.kind == "unbounded"
        stop = StopSignal(plan, len(addresses), has_memory_ceiling, begin_s)
        sessions = [Session(plan, n, address, stop, meter) for n, address in enumerate(addresses)]
        run(sessions)
        _report(sessions, stop.finish())
    except BrokenPipeError:
        exit_process(1, "cannot write to stdout: nobody reads it")
    except Exception as error:
        if not isinstance(error, ClientError):
            traceback.print_exc()
        exit_process(1, str(error) or type(error).__name__)
    exit_process(0)


def _report(sessions, cause):
    counts = Counts.sum([session.counts() for session in sessions])
    ended, detail = _end_of(sessions, counts.queued, cause)
    for session in sessions:
        rows = session.processor.rows()
        for at in range(0, len(rows), _SAMPLES_PER_LINE):
            write_line(Samples(session.connection, rows[at : at + _SAMPLES_PER_LINE]))
    write_line(counts.report(ended, detail))


def _end_of(sessions, queued, cause):
    """How all of it ended: as the first connection that was not closed with code 1000."""
    others = [session for session in sessions if not session.is_closed_normally]
    if not others and not queued:
        return "closed", None
    if cause:
        return cause, None
    if not others:
        raise ClientError(
            f"the server closed the connection, but the client left {queued} ticks in its queue"
        )
    if not others[0].is_ended:
        raise ClientError("the client ended before it was asked to")
    return "disconnected", others[0].end_detail


def _check_arguments():
    if sys.argv[1:] in (["-h"], ["--help"]):
        print("A client of the tick bench: reads its plan from stdin.")
        sys.exit(0)
    if sys.argv[1:]:
        exit_process(2, f"unknown argument `{sys.argv[1]}`: this client has none")
    if sys.stdin.isatty():
        print(
            "This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one.",
            file=sys.stderr,
        )


def _read_plan(speaks_tls):
    line = read_line()
    if line is None:
        raise ContractError("no_plan")
    plan = parse_line(line)
    if isinstance(plan, Stop):
        raise ContractError("stop_before_plan")
    return plan, check_plan(plan, speaks_tls)
