"""asyncio + websockets, used as its documentation shows: connect, then `async for` until
the connection is closed."""

import asyncio
import sys
from pathlib import Path
from platform import python_version

import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

sys.path.insert(0, str(Path(__file__).resolve().parent / "{{kit}}" / "kit-python"))
from tickkit import MAX_MESSAGE_BYTES, ClientError, Hello, Queue, main  # noqa: E402

# How long the server may take to close the TCP connection after the close frames.
CLOSE_TIMEOUT_S = 1


def identify(_plan):
    return Hello(
        name="{{name}}",
        versions=[f"python {python_version()}", f"websockets {websockets.__version__}"],
        runtime="asyncio, one event loop",
        transport="asyncio socket (epoll)",
        class_="library",
        queue=Queue(kind="none", bound=None),
    )


def run(sessions):
    asyncio.run(read_all(sessions))


async def read_all(sessions):
    await asyncio.gather(*map(read, sessions))


async def read(session):
    sock = await session.connect(asyncio.get_running_loop())
    try:
        # The kit keeps the deadlines, and no client sends pings.
        socket = await connect(
            session.url,
            sock=sock,
            compression=None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
        )
    except (OSError, EOFError, WebSocketException) as error:
        raise ClientError(f"the WebSocket handshake with {session.url} failed: {error}") from None
    await process_all(socket, session)


async def process_all(socket, session):
    processor = session.ready()
    try:
        async for message in socket:
            if not processor.process(message):
                return
    except ConnectionClosed as error:
        if error.rcvd is None:
            session.failed(str(error))
            return
    session.closed(socket.close_code)


if __name__ == "__main__":
    main(identify, run)
