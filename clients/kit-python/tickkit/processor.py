"""The work on each tick: what is measured besides socket, runtime and queue."""

import json
from math import isfinite
from struct import Struct
from struct import error as StructError
from time import monotonic_ns

from .contract import Counts
from .sequence import AFTER_GAP, DUPLICATE, Sequence

# The stamp of a message whose tick is not sampled.
NO_STAMP = 0

# No run has a tick with a higher seq.
MAX_SEQ = 1 << 60
# No plan needs more rows; too small a stride would fill the memory.
MAX_ROWS = 1 << 22

_unpack = Struct("<IdqQ").unpack
_unpack_classic = Struct("<Idq").unpack


class Processor:
    """Decodes, checks, counts and stamps the ticks of one connection, and does the work per tick.

    Each method that processes a message returns whether to continue: False once the run is
    stopped, and then the message has not been processed.

    A client without a queue calls `process_binary` and `process_text`. One with a queue
    calls `count_message` where a message comes from its library, keeps the stamp with the
    message, and later calls `process_queued_binary` or `process_queued_text` with both.
    """

    # Slots are the fastest attributes.
    __slots__ = (
        "received", "processed", "undecodable", "checksum", "last_prices", "sequence",
        "_stop", "_values", "_received_at", "_processed_at", "_decode_binary", "_decode_text",
        "_symbols", "_work_ns", "_first", "_stride", "_next_sample", "_next_received",
        "_next_stamp", "_rows", "_dropped",
    )  # fmt: skip

    def __init__(self, plan, stop, meter, connection=0):
        """For this connection of the plan; `stop` has a flag `is_set_now`."""
        #: Messages taken from the library.
        self.received = 0
        #: Ticks decoded, checked and worked on.
        self.processed = 0
        #: Messages that are not ticks of the plan's format.
        self.undecodable = 0
        #: The sum of the prices in cents over the processed ticks.
        self.checksum = 0
        self.last_prices = [0.0] * plan.symbols
        self.sequence = Sequence()
        self._stop = stop
        self._values = meter.values
        self._received_at, self._processed_at = meter.indexes(connection)
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
        # The seq that the next message to be received has if there are no gaps, and the next
        # such seq to be stamped: ahead of `sequence` by what is in a queue.
        self._next_received = 0
        self._next_stamp = self._first
        self._rows = []
        self._dropped = 0

    def process(self, message):
        """Processes a message straight from the library: a str is text, bytes are binary."""
        if isinstance(message, str):
            return self.process_text(message)
        return self.process_binary(message)

    def process_binary(self, data):
        """Processes a binary message, anything with a buffer, straight from the library."""
        if self._stop.is_set_now:
            return False
        self._process(self._decode_binary, data, self.count_message())
        return True

    def process_text(self, text):
        """Processes a text message, a str, straight from the library."""
        if self._stop.is_set_now:
            return False
        self._process(self._decode_text, text, self.count_message())
        return True

    def count_message(self):
        """Counts a message that the library has handed over; its stamp travels with it."""
        stamp = NO_STAMP
        expected = self._next_received
        if expected == self._next_stamp:
            stamp = monotonic_ns()
            self._next_stamp = expected + self._stride
        self._next_received = expected + 1
        self.received = received = self.received + 1
        self._values[self._received_at] = received
        return stamp

    def process_queued_binary(self, data, stamp):
        """Processes a binary message that `count_message` has counted."""
        if self._stop.is_set_now:
            return False
        self._process(self._decode_binary, data, stamp)
        return True

    def process_queued_text(self, text, stamp):
        """Processes a text message that `count_message` has counted."""
        if self._stop.is_set_now:
            return False
        self._process(self._decode_text, text, stamp)
        return True

    def counts(self, queued=0):
        """The counts of this connection; `queued` ticks are left in its queue."""
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

    def _process(self, decode, message, stamp):
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
            is_sampled = self._record_unexpected(seq)
        if is_sampled and stamp == NO_STAMP:
            stamp = monotonic_ns()
        # Rounded as the server does: half a cent up, nothing below zero.
        cents = int(price * 100.0 + 0.5)
        if cents > 0:
            self.checksum += cents
        self.last_prices[symbol] = price
        if self._work_ns:
            end_ns = monotonic_ns() + self._work_ns
            while monotonic_ns() < end_ns:
                pass
        if is_sampled:
            self._add_row(seq, stamp)
        self.processed = processed = self.processed + 1
        self._values[self._processed_at] = processed

    def _add_row(self, seq, stamp):
        if len(self._rows) < MAX_ROWS:
            self._rows.append((seq, stamp, monotonic_ns()))
        else:
            self._dropped += 1
        self._next_sample = self._at_or_after(self.sequence.next)

    def _record_unexpected(self, seq):
        """Records a seq that was not expected. Returns whether its tick is to be stamped."""
        before = self.sequence.next
        arrival = self.sequence.record_unexpected(seq)
        self._shift_by(seq - before if arrival == AFTER_GAP else -1)
        self._next_sample = self._at_or_after(self.sequence.next)
        return arrival != DUPLICATE and self._at_or_after(seq) == seq

    def _refuse(self):
        self.undecodable += 1
        self._shift_by(-1)

    def _shift_by(self, seqs):
        """The difference of seqs and the count of messages has changed."""
        self._next_received += seqs
        self._next_stamp = self._at_or_after(self._next_received)

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
