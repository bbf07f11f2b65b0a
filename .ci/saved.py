"""Reads saved campaigns."""
import json
import pathlib

import zstandard


def saved_rounds(folder):
    """The timed rounds of a campaign: those with counters have no figures."""
    return [line for line in saved_lines(folder) if not line.get("counters")]


def saved_lines(folder):
    """All lines of its rounds, which are compressed once they are published."""
    folder = pathlib.Path(folder)
    packed = folder / "rounds.jsonl.zst"
    if packed.exists():
        with packed.open("rb") as file:
            text = zstandard.ZstdDecompressor().stream_reader(file).read()
    else:
        text = (folder / "rounds.jsonl").read_bytes()
    return [json.loads(line) for line in text.splitlines()]
