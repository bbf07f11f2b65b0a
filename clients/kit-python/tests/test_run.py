"""A client of the kit as a process: what it refuses, and that it ends when it
is told to, however busy it is."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CLIENT = Path(__file__).with_name("busy.py")
PATIENCE_S = 60
PLAN = {
    "type": "plan",
    "contract": 2,
    "urls": ["ws://127.0.0.1:1/ticks"],
    "format": "binary",
    "symbols": 64,
    "schedule": {"kind": "flood"},
    "duration_ns": 1_000_000_000,
    "sample": {"first": 3, "stride": 10_007},
    "work_ns": 0,
    "queue_bound": 256,
    "receive_buffer_bytes": None,
    "memory_ceiling_bytes": 2**40,
    "meter": None,
    "connect_deadline_ms": 60_000,
    "deadline_ms": 60_000,
}
REFUSED = [
    ({**PLAN, "contract": 1}, "contract version 1, but this program speaks version 2"),
    ({**PLAN, "surprise": 1}, "surprise"),
    ({**PLAN, "urls": ["ws://example.com/"]}, "plan: urls"),
    ({**PLAN, "urls": ["ws://localhost:1/"]}, "plan: urls"),
    ({**PLAN, "urls": ["ws://127.0.0.1:99999/"]}, "plan: urls"),
    ({**PLAN, "urls": ["wss://127.0.0.1:1/"]}, "plan: urls"),
    ({**PLAN, "urls": ["wss://127.0.0.1:1/"], "ca": "ca"}, "plan: ca: this client speaks no TLS"),
    ({**PLAN, "ca": 5}, "`ca`"),
    ({**PLAN, "urls": []}, "plan: urls is 0"),
    ({**PLAN, "symbols": 0}, "plan: symbols is 0"),
    ({**PLAN, "symbols": "64"}, "`symbols`"),
    ({**PLAN, "sample": {"first": 0, "stride": 0}}, "plan: sample.stride is 0"),
    ({**PLAN, "schedule": {"kind": "rate"}}, "rate_per_s"),
    ({**PLAN, "meter": "/dev/null"}, "plan: meter"),
    ({key: PLAN[key] for key in PLAN if key != "deadline_ms"}, "deadline_ms"),
    (None, "not a contract line"),
    ({"type": "stop"}, "`stop` came before a plan"),
]


def line(value):
    return json.dumps(value) + "\n"


def start(**env):
    pipe = subprocess.PIPE
    env = {**os.environ, **env}
    words = [sys.executable, str(CLIENT)]
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env)


def end(child, words=None):
    """What a child says after these words: its exit code, its lines, its last words."""
    try:
        out, err = child.communicate(words, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return child.returncode, list(map(json.loads, out.splitlines())), err.strip()


class RunTest(unittest.TestCase):
    def test_a_bad_plan_is_refused_with_its_fault(self):
        for plan, expected in REFUSED:
            with self.subTest(expected):
                code, lines, words = end(start(), line(plan))
                self.assertEqual((code, lines), (2, []), words)
                self.assertIn(expected, words)
                self.assertNotIn("\n", words)

    def test_no_plan_and_no_json_are_refused(self):
        for text, expected in (("", "no plan on stdin"), ("hello?\n", "not a contract line")):
            code, lines, words = end(start(), text)
            self.assertEqual((code, lines), (2, []), words)
            self.assertIn(expected, words)

    def test_a_client_that_never_rests_ends_when_it_is_told_to(self):
        cases = [
            ("stopped", {}, line({"type": "stop"})),
            ("stopped", {}, ""),
            ("deadline", {"deadline_ms": 700}, None),
            ("memory_ceiling", {"memory_ceiling_bytes": 300 << 20}, None),
        ]
        for ended, plan, words in cases:
            for work_ns in (0, 20_000_000):
                with self.subTest(ended, work_ns=work_ns):
                    self.ends(ended, {**plan, "work_ns": work_ns}, words)

    def ends(self, ended, plan, words):
        queue = "unbounded" if ended == "memory_ceiling" else "none"
        with tempfile.TemporaryDirectory() as room, start(TEST_QUEUE=queue) as child:
            meter = Path(room, "meter")
            meter.write_bytes(b"TICKMTR1" + bytes(4088))
            child.stdin.write(line({**PLAN, **plan, "meter": str(meter)}))
            child.stdin.flush()
            self.assertEqual(json.loads(child.stdout.readline())["type"], "hello")
            self.assertEqual(json.loads(child.stdout.readline())["type"], "ready")
            if words is None:
                out, err = child.stdout.read(), child.stderr.read()
                code, lines = child.wait(PATIENCE_S), list(map(json.loads, out.splitlines()))
            else:
                code, lines, err = end(child, words)
            self.assertEqual(code, 0, err)
            books = lines[-1]
            self.assertEqual((books["ended"], books["detail"]), (ended, None))
            self.assertEqual(books["received"], books["processed"])
            self.assertEqual(books["checksum"], books["processed"] * 10_000)
            counts = struct.unpack_from("<Q56xQ", meter.read_bytes(), 64)
            self.assertEqual(counts, (books["received"], books["processed"]))
            rows = sum(len(samples["rows"]) for samples in lines[:-1])
            self.assertEqual(rows, -(-max(0, books["processed"] - 3) // 10_007))

    def test_a_client_that_is_stopped_before_it_is_connected_reports_nothing(self):
        words = line(PLAN) + line({"type": "stop"})
        code, lines, _ = end(start(TEST_CLIENT="stuck"), words)
        self.assertEqual((code, lines[1]["ended"], lines[1]["received"]), (0, "stopped", 0))

    def test_a_client_that_does_not_connect_in_time_says_so(self):
        with start(TEST_CLIENT="stuck") as child:
            child.stdin.write(line({**PLAN, "connect_deadline_ms": 100}))
            child.stdin.flush()
            words = child.stderr.read().strip()
            self.assertEqual(child.wait(PATIENCE_S), 1)
        self.assertEqual(words, "not connected to ws://127.0.0.1:1/ticks within 100 ms")

    def test_a_second_plan_is_a_fault(self):
        code, _, words = end(start(TEST_CLIENT="stuck"), line(PLAN) * 2)
        self.assertEqual((code, words), (1, "a second plan on stdin"))


if __name__ == "__main__":
    unittest.main()
