"""A client that never rests. With TEST_CLIENT=stuck it never connects, otherwise it processes
ticks of its own without end; with TEST_QUEUE=unbounded it allocates more and more memory."""

import os
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tickkit import Hello, Queue, main  # noqa: E402


def identify(_plan):
    return Hello(
        name="busy",
        versions=["busy 1"],
        runtime="none",
        transport="none",
        class_="simulated",
        queue=Queue(kind=os.environ.get("TEST_QUEUE", "none"), bound=None),
    )


def run(sessions):
    while os.environ.get("TEST_CLIENT") == "stuck":
        time.sleep(60)
    processor = sessions[0].ready()
    seq, memory = 0, []
    while processor.process_binary(struct.pack("<IdqQ", 0, 100.0, 0, seq)):
        seq += 1
        if os.environ.get("TEST_QUEUE") == "unbounded":
            memory.append(b"x" * (1 << 20))


main(identify, run)
