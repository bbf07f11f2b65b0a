"""A client on the kit as a process: what it refuses, and that it stops however busy it is."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests.fixtures import check_written_line, plan
from tickkit.contract_error import ContractError

CLIENT = Path(__file__).with_name("busy.py")
PATIENCE_S = 60
PLAN = plan(sample={"first": 3, "stride": 10_007}, memory_ceiling_bytes=2**40)


def unreadable(value, code, **fields):
    """A line that cannot be read, and its error."""
    return line(value), ContractError(code, **fields, line=json.dumps(value))


def line(value):
    return json.dumps(value) + "\n"


def start(**env):
    pipe = subprocess.PIPE
    env = {**os.environ, **env}
    command = [sys.executable, str(CLIENT)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env)


def end(child, text=None):
    """Writes this text to a child's stdin; returns its exit code, its lines and its message."""
    try:
        out, err = child.communicate(text, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return child.returncode, read_lines(out), err.strip()


def read_lines(out):
    lines = list(map(json.loads, out.splitlines()))
    for each in lines:
        check_written_line(each)
    return lines


REFUSED = [
    unreadable({**PLAN, "surprise": 1}, "unknown_key", type="plan", key="surprise"),
    unreadable(None, "not_an_object"),
    (line({**PLAN, "contract": 1}), ContractError("other_version", theirs=1, ours=2)),
    (
        line({**PLAN, "symbols": 0}),
        ContractError("out_of_range", type="plan", key="symbols", found=0, least=1, most=1 << 20),
    ),
    (
        line({**PLAN, "urls": ["ws://localhost:1/"]}),
        ContractError("bad_url", url="ws://localhost:1/", scheme="ws://"),
    ),
    (line({**PLAN, "ca": "ca"}), ContractError("tls_not_supported")),
    (line({**PLAN, "meter": "/dev/null"}), ContractError("bad_meter", detail="not a meter file")),
    (line({"type": "stop"}), ContractError("stop_before_plan")),
    ("", ContractError("no_plan")),
]


class RunTest(unittest.TestCase):
    def test_a_bad_plan_is_refused_with_exit_code_2_and_one_line(self):
        for text, error in REFUSED:
            with self.subTest(error.code):
                self.assertEqual(end(start(), text), (2, [], str(error)))

    def test_a_client_that_never_rests_ends(self):
        cases = [
            ("stopped", {}, line({"type": "stop"})),
            ("stopped", {}, ""),
            ("deadline", {"deadline_ms": 700}, None),
            ("memory_ceiling", {"memory_ceiling_bytes": 300 << 20}, None),
        ]
        for ended, changes, text in cases:
            for work_ns in (0, 20_000_000):
                with self.subTest(ended, work_ns=work_ns):
                    self.ends(ended, {**changes, "work_ns": work_ns}, text)

    def ends(self, ended, changes, text):
        queue = "unbounded" if ended == "memory_ceiling" else "none"
        with tempfile.TemporaryDirectory() as directory, start(TEST_QUEUE=queue) as child:
            meter = Path(directory, "meter")
            meter.write_bytes(b"TICKMTR1" + bytes(4088))
            child.stdin.write(line({**PLAN, **changes, "meter": str(meter)}))
            child.stdin.flush()
            self.assertEqual(json.loads(child.stdout.readline())["type"], "hello")
            self.assertEqual(json.loads(child.stdout.readline())["type"], "ready")
            if text is None:
                out, err = child.stdout.read(), child.stderr.read()
                code, lines = child.wait(PATIENCE_S), read_lines(out)
            else:
                code, lines, err = end(child, text)
            self.assertEqual(code, 0, err)
            report = lines[-1]
            self.assertEqual((report["ended"], report["detail"]), (ended, None))
            self.assertEqual(report["received"], report["processed"])
            self.assertEqual(report["checksum"], report["processed"] * 10_000)
            counts = struct.unpack_from("<Q56xQ", meter.read_bytes(), 64)
            self.assertEqual(counts, (report["received"], report["processed"]))
            rows = sum(len(samples["rows"]) for samples in lines[:-1])
            self.assertEqual(rows, -(-max(0, report["processed"] - 3) // 10_007))

    def test_a_client_that_is_stopped_before_it_is_connected_reports_zeros(self):
        text = line(PLAN) + line({"type": "stop"})
        code, lines, _ = end(start(TEST_CLIENT="stuck"), text)
        self.assertEqual((code, lines[1]["ended"], lines[1]["received"]), (0, "stopped", 0))

    def test_a_client_that_does_not_connect_in_time_fails_with_a_message(self):
        with start(TEST_CLIENT="stuck") as child:
            child.stdin.write(line({**PLAN, "connect_deadline_ms": 100}))
            child.stdin.flush()
            message = child.stderr.read().strip()
            self.assertEqual(child.wait(PATIENCE_S), 1)
        self.assertEqual(message, f"not connected to {PLAN['urls'][0]} within 100 ms")

    def test_a_second_plan_is_a_fault(self):
        code, _, message = end(start(TEST_CLIENT="stuck"), line(PLAN) * 2)
        self.assertEqual((code, message), (1, str(ContractError("second_plan"))))


if __name__ == "__main__":
    unittest.main()
