"""The lines of the contract, each key once, as dataclasses: reading, the errors about
keys and values, and writing derive from them.

A key whose field has the default None may be absent. A field whose name is reserved in
Python ends with an underscore.
"""

import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Literal, Optional, Union, get_args, get_origin

from .contract_error import ContractError

#: The version of the contract that this kit speaks.
CONTRACT = 2

_MAX_SEQ = 1 << 60


@dataclass(frozen=True)
class _Within:
    """Bounds of a number, or of the length of a list."""

    least: int
    most: int

    def check(self, value, key):
        found = len(value) if isinstance(value, list) else value
        if not self.least <= found <= self.most:
            raise ContractError(
                "out_of_range", key=key, found=found, least=self.least, most=self.most
            )


def _integer(least, most):
    return Annotated[int, _Within(least, most)]


Count = _integer(0, 2**64 - 1)
_Positive = _integer(1, 2**64 - 1)


class Schedule:
    """The offered load; its `kind` is the name of one of the following classes."""


@dataclass(frozen=True)
class Rate(Schedule):
    rate_per_s: Count


@dataclass(frozen=True)
class Flood(Schedule):
    pass


@dataclass(frozen=True)
class Burst(Schedule):
    base_per_s: Count
    burst_per_s: Count
    period_ns: Count
    length_ns: Count


@dataclass(frozen=True)
class Ramp(Schedule):
    from_per_s: Count
    to_per_s: Count
    over_ns: Count


@dataclass(frozen=True)
class Poisson(Schedule):
    rate_per_s: Count
    seed: Count


@dataclass(frozen=True)
class Replay(Schedule):
    ticks: Count
    span_ns: Count


@dataclass(frozen=True)
class Sample:
    """Which seqs to stamp."""

    first: _integer(0, _MAX_SEQ)
    stride: _integer(1, _MAX_SEQ)


@dataclass(frozen=True)
class Plan:
    """What to do in a run."""

    contract: Count
    urls: Annotated[list[str], _Within(1, 10_000)]
    format: Literal["binary", "json", "classic-binary", "classic-json"]
    symbols: _integer(1, 1 << 20)
    schedule: Schedule
    duration_ns: Count
    sample: Sample
    work_ns: _integer(0, 100_000_000)
    queue_bound: _integer(1, 1 << 24)
    receive_buffer_bytes: Optional[_integer(1, (1 << 31) - 1)]
    memory_ceiling_bytes: _Positive
    meter: Optional[str]
    connect_deadline_ms: _Positive
    deadline_ms: _Positive
    ca: Optional[str] = None


@dataclass(frozen=True)
class Stop:
    """Stop reading, and report."""


@dataclass(frozen=True)
class Queue:
    """The queue between a client's socket and its work."""

    kind: Literal["none", "bounded", "unbounded"]
    bound: Optional[Count]


@dataclass(frozen=True)
class Hello:
    """Who a client is."""

    name: str
    versions: list[str]
    runtime: str
    transport: str
    class_: Literal["reference", "library", "tuned", "simulated", "application"]
    queue: Queue
    contract: Count = CONTRACT
    clock_error_ns: Optional[Count] = None


@dataclass(frozen=True)
class Unavailable:
    """What this machine lacks, and what to do about it; instead of `Ready`."""

    reason: str


@dataclass(frozen=True)
class Ready:
    """All connections are open."""


@dataclass(frozen=True)
class Samples:
    """Stamps of one connection: rows of seq, received_ns, processed_ns."""

    connection: Count
    rows: list[Annotated[list[Count], _Within(3, 3)]]


@dataclass(frozen=True)
class Counts:
    """The counts of one connection, or their sum over all."""

    received: Count
    processed: Count
    queued: Count
    gaps: Count
    duplicates: Count
    reorders: Count
    undecodable: Count
    checksum: Count

    @classmethod
    def sum(cls, connections):
        """Zeros without any connection."""
        names = [field.name for field in fields(cls)]
        return cls(*(sum(getattr(counts, name) for counts in connections) for name in names))

    def report(self, ended, detail):
        """The last line of a client."""
        return Final(**vars(self), ended=ended, detail=detail)


@dataclass(frozen=True)
class Final(Counts):
    """The report."""

    ended: Literal["closed", "stopped", "deadline", "memory_ceiling", "disconnected"]
    detail: Optional[str]
    counts_age_ns: Optional[Count] = None


#: The lines that a client reads and those that it writes; a line's type is the name of its class.
READ = (Plan, Stop)
WRITTEN = (Hello, Unavailable, Ready, Samples, Final)


def parse_line(line):
    """Reads a line: a Plan or a Stop."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContractError("not_json", detail=error, line=line) from None
    if type(value) is not dict:
        raise ContractError("not_an_object", line=line)
    name = value.pop("type", None)
    theirs = value.get("contract")
    if name == _tag(Plan) and type(theirs) is int and theirs != CONTRACT:
        raise ContractError("other_version", theirs=theirs, ours=CONTRACT)
    kind = next((kind for kind in READ if _tag(kind) == name), None)
    if kind is None:
        raise ContractError("unknown_type", type=name, line=line)
    try:
        return _read(kind, value, None)
    except ContractError as error:
        about = {**error.fields, "type": name}
        # A value out of its range stands on a line that can be read.
        if error.code != "out_of_range":
            about["line"] = line
        raise ContractError(error.code, **about) from None


def format_line(line):
    """A line to be written, of one of the classes above."""
    return json.dumps({"type": _tag(type(line)), **_written(line)}, separators=(",", ":")) + "\n"


def _tag(kind):
    return kind.__name__.lower()


def _key(field):
    return field.name.rstrip("_")


def _written(value):
    if not is_dataclass(value):
        return value
    kind = {"kind": _tag(type(value))} if isinstance(value, Schedule) else {}
    pairs = ((field, getattr(value, field.name)) for field in fields(value))
    present = ((f, v) for f, v in pairs if v is not None or f.default is not None)
    return {**kind, **{_key(field): _written(each) for field, each in present}}


def _read(kind, value, key):
    """`value`, at the key `key`, as the type `kind`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _read_object(kind, value, key)
    if kind is Schedule:
        return _read_schedule(value, key)
    if origin is Annotated:
        read = _read(arguments[0], value, key)
        arguments[1].check(read, key)
        return read
    if origin is Union:  # Optional
        return None if value is None else _read(arguments[0], value, key)
    if origin is list and type(value) is list:
        return [_read(arguments[0], each, key) for each in value]
    if value in arguments if origin is Literal else type(value) is kind:
        return value
    raise ContractError("wrong_kind", key=key)


def _read_schedule(value, key):
    rest = dict(value) if type(value) is dict else {}
    name = rest.pop("kind", None)
    for kind in Schedule.__subclasses__():
        if _tag(kind) == name:
            return _read_object(kind, rest, key)
    raise ContractError("wrong_kind", key=key)


def _read_object(kind, value, above):
    """Exactly the keys of this class, each of its type; `above` is the key of the object itself."""
    if type(value) is not dict:
        raise ContractError("wrong_kind", key=above)
    prefix = "" if above is None else f"{above}."
    known = {_key(field): field for field in fields(kind)}
    for key in value:
        if key not in known:
            raise ContractError("unknown_key", key=prefix + key)
    found = {}
    for key, field in known.items():
        may_be_absent = field.default is None
        if key in value:
            # Absent is not null.
            kind_of_value = get_args(field.type)[0] if may_be_absent else field.type
            found[field.name] = _read(kind_of_value, value[key], prefix + key)
        elif not may_be_absent:
            raise ContractError("missing_key", key=prefix + key)
    return kind(**found)
