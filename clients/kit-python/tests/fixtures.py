"""The ticks and lines that the Rust workspace wrote (`clients/kit/fixtures`)."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "kit/fixtures"
TICKS = json.loads((FOLDER / "ticks.json").read_text())
LINES = json.loads((FOLDER / "lines.json").read_text())


def plan(**changes):
    """A plan with the keys that have to be there, and others of these values."""
    return {**LINES["read"]["plan"]["minimal"], **changes}


def without(line, key):
    """A copy of a line without this key."""
    return {other: line[other] for other in line if other != key}


def check_written_line(line):
    """Fails for a line that has other keys than the Rust types have."""
    lines = LINES["written"][line["type"]]
    unknown, missing = line.keys() - lines["all_keys"].keys(), lines["minimal"].keys() - line.keys()
    assert not unknown and not missing, f"unknown {unknown}, missing {missing}: {line}"
