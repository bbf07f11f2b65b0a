"""The taker against the wire of the Rust workspace, and against a plain model
of the contract's definitions."""

import json
import random
import struct
import unittest
from dataclasses import replace
from unittest import mock

from tests.fixtures import TICKS, plan
from tickkit import taker as module
from tickkit.contract import Counts, parse_line
from tickkit.meter import Meter
from tickkit.taker import NO_STAMP, Taker



class NeverStopped:
    is_set_now = False


def taker(meter=None, **changes):
    changes.setdefault("sample", {"first": 0, "stride": 1})
    read = parse_line(json.dumps(plan(**changes)))
    return Taker(read, NeverStopped, meter or Meter(None, 1))


def binary(symbol=1, price=100.25, ts=5, seq=0):
    return struct.pack("<IdqQ", symbol, price, ts, seq)


def payload(word):
    return b"no tick" if word is None else binary(price=100 + word / 100, seq=word)


def message(format, text):
    return text if format.endswith("json") else bytes.fromhex(text)


def model(words, first, stride):
    """The definitions of the contract, as slowly as they are written there."""
    seen, highest = set(), -1
    found = vars(Counts.sum([])).copy()
    found["received"] = len(words)
    for seq in words:
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
    return Counts(**found), sorted(seq for seq in seen if seq >= first and (seq - first) % stride == 0)


def stream(chance):
    """Mostly whole streams with some disorder, sometimes nothing but disorder."""
    if chance.random() < 0.25:
        wild = [chance.randrange(40) for _ in range(chance.randrange(100))]
        return [None if chance.random() < 0.1 else seq for seq in wild]
    words = list(range(chance.randrange(1, 400)))
    for _ in range(chance.randrange(12)):
        at = chance.randrange(len(words) + 1)
        kind = chance.randrange(3)
        if kind == 0:
            del words[at : at + 1]
        else:
            words.insert(at, None if kind == 1 else chance.randrange(500))
    return words


class TakerTest(unittest.TestCase):
    def test_every_tick_is_read_as_it_was_written(self):
        for format, payloads in TICKS["payloads"].items():
            with self.subTest(format):
                sound = taker(format=format)
                for text in payloads:
                    self.assertTrue(sound.take(message(format, text)))
                self.assertEqual((sound.processed, sound.undecodable), (len(payloads), 0))
                self.assertEqual(sound.checksum, TICKS["checksum"])
                seqs = [tick["seq"] for tick in TICKS["ticks"]]
                if format.startswith("classic"):
                    seqs = list(range(len(seqs)))
                self.assertEqual([row[0] for row in sound.rows()], seqs)
                for tick in {tick["symbol"]: tick for tick in TICKS["ticks"]}.values():
                    self.assertEqual(sound.last_prices[tick["symbol"]], tick["cents"] / 100)

    def test_what_is_no_tick_is_counted_and_nothing_else(self):
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
                sound = taker(format=format)
                for each in odd:
                    self.assertTrue(sound.take(each))
                expected = replace(Counts.sum([]), received=len(odd), undecodable=len(odd))
                self.assertEqual(sound.counts(), expected)
                self.assertEqual(sound.rows(), [])
                sound.take(tick)
                self.assertEqual(sound.processed, 1)

    def test_rare_values_are_refused_and_not_computed_with(self):
        careful = taker()
        odd = [{"seq": 2**64 - 1}, {"symbol": 64}, {"symbol": 2**32 - 1},
               {"price": float("nan")}, {"price": float("inf")}]
        for fields in odd:
            careful.take(binary(**fields))
        self.assertEqual((careful.undecodable, careful.processed), (5, 0))

    def test_any_stream_is_counted_as_the_contract_says(self):
        for seed in range(300):
            chance = random.Random(seed)
            sample = {"first": chance.randrange(10), "stride": chance.randrange(1, 12)}
            words, lag = stream(chance), chance.randrange(20)
            expected, sampled = model(words, **sample)
            straight, queued, queue = taker(sample=sample), taker(sample=sample), []
            for word in words:
                straight.take(payload(word))
                queue.append((payload(word), queued.arrive()))
                if len(queue) > lag:
                    queued.work_binary(*queue.pop(0))
            for entry in queue:
                queued.work_binary(*entry)
            for each in (straight, queued):
                self.assertEqual(each.counts(), expected, seed)
                self.assertEqual([row[0] for row in each.rows()], sampled, seed)
                self.assertTrue(all(0 < row[1] <= row[2] for row in each.rows()), seed)

    def test_in_a_whole_stream_each_stamp_is_taken_where_its_message_arrives(self):
        queued = taker(sample={"first": 2, "stride": 5})
        stamps = [queued.arrive() for _ in range(100)]
        sampled = [seq for seq, stamp in enumerate(stamps) if stamp != NO_STAMP]
        self.assertEqual(sampled, list(range(2, 100, 5)))
        for seq, stamp in enumerate(stamps):
            queued.work_binary(payload(seq), stamp)
        self.assertEqual([row[1] for row in queued.rows()], [stamps[seq] for seq in sampled])

    def test_work_takes_its_time_between_the_stamps_and_on_every_tick(self):
        clock = mock.Mock(side_effect=range(100, 10**6, 100))
        busy = taker(work_ns=1000, sample={"first": 1, "stride": 2})
        with mock.patch.object(module, "monotonic_ns", clock):
            for seq in range(4):
                busy.take(payload(seq))
        self.assertEqual(len(busy.rows()), 2)
        self.assertTrue(all(row[2] - row[1] >= 1000 for row in busy.rows()))
        self.assertGreaterEqual(clock.call_count, 4 * 10)

    def test_the_meter_has_what_the_taker_counts(self):
        meter = Meter(None, 1)
        counted = taker(meter)
        for word in [0, 1, None, 2]:
            counted.take(payload(word))
        self.assertEqual([meter.values[at] for at in Meter.places(0)], [4, 3])

    def test_a_stopped_run_takes_nothing(self):
        stopped = taker()
        with mock.patch.object(NeverStopped, "is_set_now", True):
            self.assertFalse(stopped.take(payload(0)))
            self.assertFalse(stopped.take("{}"))
        self.assertEqual(stopped.received, 0)


if __name__ == "__main__":
    unittest.main()
