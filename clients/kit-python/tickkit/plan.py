"""Reads the lines that come on stdin, as strictly as the harness does, and
checks a plan before anything is done with it."""

import json
import re
import socket

#: The version of the contract that this kit speaks.
CONTRACT = 2

_ANY = 2**64 - 1


class PlanError(Exception):
    """What is wrong with a line or a plan, in words for people."""


def _count(value):
    return type(value) is int and 0 <= value <= _ANY


def _text(value):
    return isinstance(value, str)


def _or_null(kind):
    return lambda value: value is None or kind(value)


def _shape(**keys):
    def check(value):
        _check_keys(value, keys)
        return True

    return check


_SCHEDULES = {
    "rate": ("rate_per_s",),
    "flood": (),
    "burst": ("base_per_s", "burst_per_s", "period_ns", "length_ns"),
    "ramp": ("from_per_s", "to_per_s", "over_ns"),
    "poisson": ("rate_per_s", "seed"),
    "replay": ("ticks", "span_ns"),
}


def _schedule(value):
    names = _SCHEDULES.get(value.get("kind")) if isinstance(value, dict) else None
    return names is not None and _shape(kind=_text, **{name: _count for name in names})(value)


_PLAN = {
    "contract": _count,
    "urls": lambda value: isinstance(value, list) and all(map(_text, value)),
    "ca": _text,
    "format": lambda value: value in ("binary", "json", "classic-binary", "classic-json"),
    "symbols": _count,
    "schedule": _schedule,
    "duration_ns": _count,
    "sample": _shape(first=_count, stride=_count),
    "work_ns": _count,
    "queue_bound": _count,
    "receive_buffer_bytes": _or_null(_count),
    "memory_ceiling_bytes": _count,
    "meter": _or_null(_text),
    "connect_deadline_ms": _count,
    "deadline_ms": _count,
}

#: There only when it says something.
_ABSENT = {"ca"}

_LINES = {"plan": _PLAN, "stop": {}}


def parse_line(line):
    """Reads one line of stdin: a plan (`type` is "plan") or a stop."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _not_a_line(error, line) from None
    if not isinstance(value, dict):
        raise _not_a_line("it is no object", line)
    theirs = value.get("contract")
    if value.get("type") == "plan" and _count(theirs) and theirs != CONTRACT:
        raise PlanError(
            f"contract version {theirs}, but this program speaks version {CONTRACT}"
        )
    kind = value.pop("type", None)
    keys = _LINES.get(kind) if isinstance(kind, str) else None
    if keys is None:
        raise _not_a_line(f"unknown type `{kind}`", line)
    try:
        _check_keys(value, keys)
    except PlanError as error:
        raise _not_a_line(error, line) from None
    return {"type": kind, **value}


def _not_a_line(why, line):
    excerpt = "".join(filter(str.isprintable, line))[:60]
    return PlanError(f"not a contract line: {one_line(why)}; the line begins `{excerpt}`")


def _check_keys(value, keys):
    """Exactly these keys, each of its kind."""
    if not isinstance(value, dict):
        raise PlanError("an object was expected")
    for key in value:
        if key not in keys:
            raise PlanError(f"unknown key `{key}`")
    for key, is_sound in keys.items():
        if key not in value:
            if key in _ABSENT:
                continue
            raise PlanError(f"missing key `{key}`")
        if not is_sound(value[key]):
            raise PlanError(f"`{key}` has a value of the wrong kind")


def check_plan(plan, speaks_tls=False):
    """The addresses in the plan's URLs, once all of the plan has been found sound, which
    one under TLS is for a client that speaks it."""
    if "ca" in plan and not speaks_tls:
        raise PlanError("plan: ca: this client speaks no TLS: leave it out")
    _within("urls", len(plan["urls"]), 1, 10_000)
    _within("symbols", plan["symbols"], 1, 1 << 20)
    _within("sample.first", plan["sample"]["first"], 0, 1 << 60)
    _within("sample.stride", plan["sample"]["stride"], 1, 1 << 60)
    _within("work_ns", plan["work_ns"], 0, 100_000_000)
    _within("queue_bound", plan["queue_bound"], 1, 1 << 24)
    for key in ("memory_ceiling_bytes", "connect_deadline_ms", "deadline_ms"):
        _within(key, plan[key], 1, _ANY)
    if plan["receive_buffer_bytes"] is not None:
        _within("receive_buffer_bytes", plan["receive_buffer_bytes"], 1, (1 << 31) - 1)
    # A plan with a certificate is under TLS as a whole.
    scheme = "wss://" if "ca" in plan else "ws://"
    return [_address(url, scheme) for url in plan["urls"]]


def _within(key, found, least, most):
    if not least <= found <= most:
        raise PlanError(f"plan: {key} is {found}: choose {least} to {most}")


def _address(url, scheme):
    """Names are not looked up: a resolver has no place in a measurement."""
    parts = re.match(scheme + r"(?:\[([^\]/]+)\]|([^:/]+)):([0-9]{1,5})/", url)
    try:
        if parts is None or int(parts[3]) > 65535:
            raise OSError
        family, host = (socket.AF_INET6, parts[1]) if parts[1] else (socket.AF_INET, parts[2])
        socket.inet_pton(family, host)
        return family, (host, int(parts[3]))
    except OSError:
        raise PlanError(
            f"plan: urls is `{url}`: it has to be {scheme}IP:PORT/PATH,"
            f" such as {scheme}127.0.0.1:9001/ticks"
        ) from None


def one_line(words):
    """Words for stderr, whose last line explains a failed row."""
    return re.sub(r"\s*[\r\n]+\s*", " ", str(words))
