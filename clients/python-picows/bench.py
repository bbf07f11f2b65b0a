"""The client beside a bare loop that only decodes, and beside `python-websockets`:
`.venv/bin/python bench.py`, after both were built. With a URL as its argument this is the
bare loop."""

import asyncio
import sys
from pathlib import Path
from struct import Struct

from picows import WSListener, WSMsgType, ws_connect

HERE = Path(__file__).resolve().parent
OTHER = HERE.parent / "python-websockets"
TICKS = 200_000
BINARY = WSMsgType.BINARY


class Bare(WSListener):
    unpack = Struct("<IdqQ").unpack
    tick = None

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == BINARY:
            self.tick = self.unpack(frame.get_payload_as_memoryview())
        else:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


async def bare(url):
    transport, listener = await ws_connect(Bare, url)
    await transport.wait_disconnected()
    print(listener.tick)


if len(sys.argv) > 1:
    asyncio.run(bare(sys.argv[1]))
else:
    sys.path.insert(0, str(HERE.parent / "kit-python"))
    from loop_bench import compare

    programs = {
        "the client": ([sys.executable, HERE / "main.py"], True),
        "python-websockets": ([OTHER / ".venv/bin/python", OTHER / "main.py"], True),
        "the bare loop": ([sys.executable, HERE / "bench.py"], False),
    }
    compare(programs, TICKS)
