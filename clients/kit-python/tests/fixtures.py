"""The ticks and lines as the Rust workspace writes them (`clients/kit/fixtures`)."""

import json
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "kit/fixtures"
TICKS = json.loads((DIRECTORY / "ticks.json").read_text())
LINES = json.loads((DIRECTORY / "lines.json").read_text())


def plan(**changes):
    """A plan with all required keys, changed by `changes`."""
    return {**LINES["read"]["plan"]["minimal"], **changes}


def without(line, key):
    """A copy of a line without this key."""
    return {other: line[other] for other in line if other != key}


def check_written_line(line):
    """Fails for a line that has not the keys of the Rust types."""
    lines = LINES["written"][line["type"]]
    unknown, missing = line.keys() - lines["all_keys"].keys(), lines["minimal"].keys() - line.keys()
    assert not unknown and not missing, f"unknown {unknown}, missing {missing}: {line}"
