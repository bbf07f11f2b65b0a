"""The client beside a bare loop that only decodes: `.venv/bin/python bench.py`. With a URL as
its argument this is the bare loop."""

import asyncio
import sys
from pathlib import Path
from struct import Struct

from websockets.asyncio.client import connect

HERE = Path(__file__).resolve().parent
TICKS = 200_000


async def bare(url):
    unpack = Struct("<IdqQ").unpack
    async with connect(url, compression=None, proxy=None, ping_interval=None) as socket:
        async for message in socket:
            tick = unpack(message)
    print(tick)


if len(sys.argv) > 1:
    asyncio.run(bare(sys.argv[1]))
else:
    sys.path.insert(0, str(HERE.parent / "kit-python"))
    from loop_bench import compare

    programs = {
        "the client": ([sys.executable, HERE / "main.py"], True),
        "the bare loop": ([sys.executable, HERE / "bench.py"], False),
    }
    compare(programs, TICKS)
