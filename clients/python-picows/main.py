"""asyncio + picows, used as the documentation of its core API shows: a listener that is
called with each frame, as a view into the read buffer."""

import asyncio
import sys
from pathlib import Path
from platform import python_version

import picows
from picows import WSCloseCode, WSListener, WSMsgType, ws_connect

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "kit-python"))
from tickkit import MAX_MESSAGE_BYTES, ClientError, Hello, Queue, main  # noqa: E402

# Stands for a close frame without a code (RFC 6455, section 7.1.5).
NO_STATUS = 1005

# Looked up once: finding a member of an enum costs more than decoding a tick.
BINARY, TEXT, CLOSE = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CLOSE
CONTINUATION = WSMsgType.CONTINUATION


def identify(_plan):
    return Hello(
        name="python-picows",
        versions=[f"python {python_version()}", f"picows {picows.__version__}"],
        runtime="asyncio, one event loop",
        transport="aiofastnet socket (epoll)",
        class_="library",
        queue=Queue(kind="none", bound=None),
    )


class Listener(WSListener):
    """Hands each message to the kit."""

    def __init__(self, session):
        self.session = session
        self.process_binary = session.processor.process_binary
        self.process_text = session.processor.process_text
        # A message in several frames: its kind, and its frames so far.
        self.kind = None
        self.parts = b""

    def on_ws_connected(self, transport):
        self.session.ready()

    def on_ws_frame(self, transport, frame):
        kind = frame.msg_type
        if kind == BINARY and frame.fin:
            may_continue = self.process_binary(frame.get_payload_as_memoryview())
        elif kind == TEXT and frame.fin:
            may_continue = self.process_text(frame.get_payload_as_utf8_text())
        elif kind == CLOSE:
            self.on_close(transport, frame)
            return
        else:
            may_continue = self.on_part(kind, frame)
        if not may_continue:
            transport.disconnect(graceful=False)

    def on_part(self, kind, frame):
        """The core API hands over frames, not messages."""
        if kind in (BINARY, TEXT):
            self.kind, self.parts = kind, b""
        elif kind != CONTINUATION:
            return True
        self.parts += frame.get_payload_as_bytes()
        if len(self.parts) > MAX_MESSAGE_BYTES:
            self.session.failed(f"a message has more than {MAX_MESSAGE_BYTES} bytes")
            return False
        if not frame.fin:
            return True
        if self.kind == BINARY:
            return self.process_binary(self.parts)
        return self.process_text(self.parts.decode())

    def on_close(self, transport, frame):
        code = int(getattr(frame.get_close_code(), "value", frame.get_close_code()))
        self.session.closed(code or NO_STATUS)
        transport.send_close(code or WSCloseCode.OK)
        transport.disconnect()


def run(sessions):
    asyncio.run(read_all(sessions))


async def read_all(sessions):
    await asyncio.gather(*map(read, sessions))


async def read(session):
    sock = await session.connect(asyncio.get_running_loop())
    try:
        transport, _ = await ws_connect(
            lambda: Listener(session),
            session.url,
            socket_factory=lambda _url: sock,
            websocket_handshake_timeout=None,
            max_frame_size=MAX_MESSAGE_BYTES,
        )
    except (OSError, EOFError, asyncio.TimeoutError, picows.WSError) as error:
        raise ClientError(f"the WebSocket handshake with {session.url} failed: {error}") from None
    await wait(transport, session)


async def wait(transport, session):
    failure = "the stream ended without a close frame"
    try:
        await transport.wait_disconnected()
    except Exception as error:  # whatever broke the connection
        failure = str(error) or type(error).__name__
    if not session.is_ended and not session.is_stopped:
        session.failed(failure)


if __name__ == "__main__":
    main(identify, run)
