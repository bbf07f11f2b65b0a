"""The work on each tick: what is measured besides socket, runtime and queue."""

import json
from math import isfinite
from struct import Struct
from struct import error as StructError
from time import monotonic_ns

from .contract import Counts
from .sequence import AGAIN, AHEAD, Sequence

# The stamp of a message whose tick is not sampled.
NO_STAMP = 0

# A seq beyond this is no tick of any run.
MAX_SEQ = 1 << 60
# No plan needs more rows; a stride too small would fill the memory.
MAX_ROWS = 1 << 22

_unpack = Struct("<IdqQ").unpack
_unpack_classic = Struct("<Idq").unpack


class Taker:
    """Decodes, checks, works on, counts and stamps the ticks of one connection.

    Each method that takes a message returns whether to go on: False once the
    run has been stopped, and then the message has not been taken.

    A client without a queue calls `take_binary` and `take_text`. One with a
    queue calls `arrive` where a message comes from its library, keeps the stamp
    with the message, and later calls `work_binary` or `work_text` with both.
    """

    # Slots are the quickest attributes there are.
    __slots__ = (
        "received", "processed", "undecodable", "checksum", "last_prices", "sequence",
        "_stop", "_values", "_received_at", "_processed_at", "_decode_binary", "_decode_text",
        "_symbols", "_work_ns", "_first", "_stride", "_next_sample", "_next_arrival",
        "_next_stamp", "_rows", "_dropped",
    )  # fmt: skip

    def __init__(self, plan, stop, meter, connection=0):
        """Of this connection of the plan; `stop` has a flag `is_set_now`."""
        #: Messages taken from the library.
        self.received = 0
        #: Ticks decoded, checked and worked on.
        self.processed = 0
        #: Messages that are no tick.
        self.undecodable = 0
        #: The sum of the prices in cents over the processed ticks.
        self.checksum = 0
        self.last_prices = [0.0] * plan.symbols
        self.sequence = Sequence()
        self._stop = stop
        self._values = meter.values
        self._received_at, self._processed_at = meter.places(connection)
        self._decode_binary, self._decode_text = {
            "binary": (_unpack, _refuse),
            "json": (_refuse, _parse),
            "classic-binary": (self._classic_binary, _refuse),
            "classic-json": (_refuse, self._classic_json),
        }[plan.format]
        self._symbols = plan.symbols
        self._work_ns = plan.work_ns
        self._first = plan.sample.first
        self._stride = plan.sample.stride
        self._next_sample = self._first
        # The seq that the next message to arrive has in a whole stream, and the
        # next such seq to be stamped: ahead of `sequence` by what is in a queue.
        self._next_arrival = 0
        self._next_stamp = self._first
        self._rows = []
        self._dropped = 0

    def take(self, message):
        """Takes a message straight from the library: a str is text, bytes are binary."""
        if isinstance(message, str):
            return self.take_text(message)
        return self.take_binary(message)

    def take_binary(self, data):
        """Takes a binary message, anything with a buffer, straight from the library."""
        if self._stop.is_set_now:
            return False
        self._work(self._decode_binary, data, self.arrive())
        return True

    def take_text(self, text):
        """Takes a text message, as a str, straight from the library."""
        if self._stop.is_set_now:
            return False
        self._work(self._decode_text, text, self.arrive())
        return True

    def arrive(self):
        """Counts a message that the library has handed over; its stamp travels with it."""
        stamp = NO_STAMP
        arrival = self._next_arrival
        if arrival == self._next_stamp:
            stamp = monotonic_ns()
            self._next_stamp = arrival + self._stride
        self._next_arrival = arrival + 1
        self.received = received = self.received + 1
        self._values[self._received_at] = received
        return stamp

    def work_binary(self, data, stamp):
        """Works on a binary message that `arrive` has counted."""
        if self._stop.is_set_now:
            return False
        self._work(self._decode_binary, data, stamp)
        return True

    def work_text(self, text, stamp):
        """Works on a text message that `arrive` has counted."""
        if self._stop.is_set_now:
            return False
        self._work(self._decode_text, text, stamp)
        return True

    def counts(self, queued=0):
        """What the report says of this connection; `queued` ticks are left in its queue."""
        return Counts(
            received=self.received,
            processed=self.processed,
            queued=queued,
            gaps=self.sequence.gaps,
            duplicates=self.sequence.duplicates,
            reorders=self.sequence.reorders,
            undecodable=self.undecodable,
            checksum=self.checksum,
        )

    def rows(self):
        """The stamped ticks as (seq, received_ns, processed_ns), seqs ascending."""
        if self._dropped:
            raise ValueError(f"no room for {self._dropped} samples: plan a larger sample.stride")
        # Nearly always sorted already: only late ticks are out of place.
        return sorted(self._rows)

    def _work(self, decode, message, stamp):
        try:
            symbol, price, _ts, seq = decode(message)
        except (StructError, ValueError, TypeError, RecursionError):
            self._refuse()
            return
        if symbol >= self._symbols or not isfinite(price):
            self._refuse()
            return
        sequence = self.sequence
        if seq == sequence.next:
            is_sampled = seq == self._next_sample
            sequence.next = seq + 1
        elif seq > MAX_SEQ:
            self._refuse()
            return
        else:
            is_sampled = self._irregular(seq)
        if is_sampled and stamp == NO_STAMP:
            stamp = monotonic_ns()
        # As the server rounds: half a cent up, nothing below zero.
        cents = int(price * 100.0 + 0.5)
        if cents > 0:
            self.checksum += cents
        self.last_prices[symbol] = price
        if self._work_ns:
            end_ns = monotonic_ns() + self._work_ns
            while monotonic_ns() < end_ns:
                pass
        if is_sampled:
            self._keep(seq, stamp)
        self.processed = processed = self.processed + 1
        self._values[self._processed_at] = processed

    def _keep(self, seq, stamp):
        if len(self._rows) < MAX_ROWS:
            self._rows.append((seq, stamp, monotonic_ns()))
        else:
            self._dropped += 1
        self._next_sample = self._at_or_after(self.sequence.next)

    def _irregular(self, seq):
        """A seq that was not expected: whether its tick is to be stamped."""
        before = self.sequence.next
        place = self.sequence.irregular(seq)
        self._shift(seq - before if place == AHEAD else -1)
        self._next_sample = self._at_or_after(self.sequence.next)
        return place != AGAIN and self._at_or_after(seq) == seq

    def _refuse(self):
        self.undecodable += 1
        self._shift(-1)

    def _shift(self, seqs):
        """Seqs and the count of messages have moved apart."""
        self._next_arrival += seqs
        self._next_stamp = self._at_or_after(self._next_arrival)

    def _at_or_after(self, seq):
        """The first sampled seq that is at least this."""
        if seq <= self._first:
            return self._first
        return seq + (self._first - seq) % self._stride

    def _classic_binary(self, data):
        return *_unpack_classic(data), self.sequence.next

    def _classic_json(self, text):
        return _keys(text, ("symbol", "price", "ts")) + (self.sequence.next,)


def _refuse(_message):
    raise ValueError("a message of the wrong kind")


def _parse(text):
    tick = _keys(text, ("symbol", "price", "ts", "seq"))
    if type(tick[3]) is not int or tick[3] < 0:
        raise ValueError("seq")
    return tick


def _keys(text, names):
    """The values of exactly these keys, each of its kind."""
    tick = json.loads(text)
    if type(tick) is not dict or len(tick) != len(names):
        raise ValueError("keys")
    try:
        values = tuple([tick[name] for name in names])
    except KeyError as error:
        raise ValueError("keys") from error
    symbol, price, ts = values[:3]
    if type(symbol) is not int or symbol < 0 or type(ts) is not int:
        raise ValueError("an integer was expected")
    if type(price) is not float and type(price) is not int:
        raise ValueError("price")
    return values
