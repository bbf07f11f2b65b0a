"""The processor reads what the Rust workspace encoded, and counts as a plain model of the
contract's definitions does."""

import json
import random
import struct
import unittest
from dataclasses import replace
from unittest import mock

from tests.fixtures import TICKS, plan
from tickkit import processor as module
from tickkit.contract import Counts, parse_line
from tickkit.meter import Meter
from tickkit.processor import NO_STAMP, Processor



class NeverStopped:
    is_set_now = False


def processor(meter=None, **changes):
    changes.setdefault("sample", {"first": 0, "stride": 1})
    read = parse_line(json.dumps(plan(**changes)))
    return Processor(read, NeverStopped, meter or Meter(None, 1))


def binary(symbol=1, price=100.25, ts=5, seq=0):
    return struct.pack("<IdqQ", symbol, price, ts, seq)


def payload(seq):
    return b"no tick" if seq is None else binary(price=100 + seq / 100, seq=seq)


def message(format, text):
    return text if format.endswith("json") else bytes.fromhex(text)


def model(seqs, first, stride):
    """The definitions of the contract, written down plainly: the counts, and the sampled seqs."""
    seen, highest = set(), -1
    found = vars(Counts.sum([])).copy()
    found["received"] = len(seqs)
    for seq in seqs:
        if seq is None:
            found["undecodable"] += 1
            continue
        found["processed"] += 1
        found["checksum"] += 10000 + seq
        if seq in seen:
            found["duplicates"] += 1
        elif seq < highest:
            found["reorders"] += 1
        seen.add(seq)
        highest = max(highest, seq)
    found["gaps"] = highest + 1 - len(seen)
    sampled = (seq for seq in seen if seq >= first and (seq - first) % stride == 0)
    return Counts(**found), sorted(sampled)


def stream(rng):
    """Seqs of a stream; None is a message that is no tick. Mostly in order with a few faults,
    sometimes random."""
    if rng.random() < 0.25:
        wild = [rng.randrange(40) for _ in range(rng.randrange(100))]
        return [None if rng.random() < 0.1 else seq for seq in wild]
    seqs = list(range(rng.randrange(1, 400)))
    for _ in range(rng.randrange(12)):
        at = rng.randrange(len(seqs) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            del seqs[at : at + 1]
        else:
            seqs.insert(at, None if kind == 1 else rng.randrange(500))
    return seqs


class ProcessorTest(unittest.TestCase):
    def test_every_tick_is_decoded_as_it_was_encoded(self):
        for format, payloads in TICKS["payloads"].items():
            with self.subTest(format):
                tested = processor(format=format)
                for text in payloads:
                    self.assertTrue(tested.process(message(format, text)))
                self.assertEqual((tested.processed, tested.undecodable), (len(payloads), 0))
                self.assertEqual(tested.checksum, TICKS["checksum"])
                seqs = [tick["seq"] for tick in TICKS["ticks"]]
                if format.startswith("classic"):
                    seqs = list(range(len(seqs)))
                self.assertEqual([row[0] for row in tested.rows()], seqs)
                for tick in {tick["symbol"]: tick for tick in TICKS["ticks"]}.values():
                    self.assertEqual(tested.last_prices[tick["symbol"]], tick["cents"] / 100)

    def test_messages_that_are_not_ticks_are_undecodable_and_nothing_else_is_counted(self):
        for format, (text, *_) in TICKS["payloads"].items():
            with self.subTest(format):
                tick = message(format, text)
                if format.endswith("json"):
                    fields = json.loads(text)
                    others = [("symbol", 64), ("symbol", -1), ("symbol", True), ("ts", 0.5),
                              ("price", "1"), ("price", None), ("price", float("nan")), ("more", 1)]
                    odd = [json.dumps({**fields, key: value}) for key, value in others]
                    odd += ["", "{", "null", "[]", "7", "[" * 100_000, text.replace("ts", "st"),
                            text.encode()]
                else:
                    odd = [b"", tick[1:], tick + b"\0", b"\xff" * len(tick), text, "{}"]
                tested = processor(format=format)
                for each in odd:
                    self.assertTrue(tested.process(each))
                expected = replace(Counts.sum([]), received=len(odd), undecodable=len(odd))
                self.assertEqual(tested.counts(), expected)
                self.assertEqual(tested.rows(), [])
                tested.process(tick)
                self.assertEqual(tested.processed, 1)

    def test_impossible_values_are_undecodable(self):
        careful = processor()
        odd = [{"seq": 2**64 - 1}, {"symbol": 64}, {"symbol": 2**32 - 1},
               {"price": float("nan")}, {"price": float("inf")}]
        for fields in odd:
            careful.process(binary(**fields))
        self.assertEqual((careful.undecodable, careful.processed), (5, 0))

    def test_any_stream_is_counted_as_in_the_model(self):
        for seed in range(300):
            rng = random.Random(seed)
            sample = {"first": rng.randrange(10), "stride": rng.randrange(1, 12)}
            seqs, lag = stream(rng), rng.randrange(20)
            expected, sampled = model(seqs, **sample)
            straight, queued, queue = processor(sample=sample), processor(sample=sample), []
            for seq in seqs:
                straight.process(payload(seq))
                queue.append((payload(seq), queued.count_message()))
                if len(queue) > lag:
                    queued.process_queued_binary(*queue.pop(0))
            for entry in queue:
                queued.process_queued_binary(*entry)
            for each in (straight, queued):
                self.assertEqual(each.counts(), expected, seed)
                self.assertEqual([row[0] for row in each.rows()], sampled, seed)
                self.assertTrue(all(0 < row[1] <= row[2] for row in each.rows()), seed)

    def test_without_gaps_each_stamp_is_taken_where_its_message_is_received(self):
        queued = processor(sample={"first": 2, "stride": 5})
        stamps = [queued.count_message() for _ in range(100)]
        sampled = [seq for seq, stamp in enumerate(stamps) if stamp != NO_STAMP]
        self.assertEqual(sampled, list(range(2, 100, 5)))
        for seq, stamp in enumerate(stamps):
            queued.process_queued_binary(payload(seq), stamp)
        self.assertEqual([row[1] for row in queued.rows()], [stamps[seq] for seq in sampled])

    def test_work_is_done_on_every_tick_between_its_stamps(self):
        clock = mock.Mock(side_effect=range(100, 10**6, 100))
        busy = processor(work_ns=1000, sample={"first": 1, "stride": 2})
        with mock.patch.object(module, "monotonic_ns", clock):
            for seq in range(4):
                busy.process(payload(seq))
        self.assertEqual(len(busy.rows()), 2)
        self.assertTrue(all(row[2] - row[1] >= 1000 for row in busy.rows()))
        self.assertGreaterEqual(clock.call_count, 4 * 10)

    def test_the_meter_has_the_counts_of_the_processor(self):
        meter = Meter(None, 1)
        counted = processor(meter)
        for seq in [0, 1, None, 2]:
            counted.process(payload(seq))
        self.assertEqual([meter.values[at] for at in Meter.indexes(0)], [4, 3])

    def test_a_stopped_run_processes_nothing(self):
        stopped = processor()
        with mock.patch.object(NeverStopped, "is_set_now", True):
            self.assertFalse(stopped.process(payload(0)))
            self.assertFalse(stopped.process("{}"))
        self.assertEqual(stopped.received, 0)


if __name__ == "__main__":
    unittest.main()
