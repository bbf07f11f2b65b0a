"""uWebSockets with Python above it: `app.publish` to a topic, as in the docs of socketify."""

import argparse
import random
import struct
import sys
import time

from socketify import App, OpCode

# The most messages of one turn of the event loop, so that sockets are served, too.
TURN_MESSAGES = 100_000
# Quotes that are drawn beforehand and repeated.
QUOTES = 4096


class Pace:
    """Publishes tick n when it is due: at start + n/rate."""

    def __init__(self, app, rate, connections):
        self.app = app
        self.rate = rate
        self.most = max(1, TURN_MESSAGES // connections)
        self.start_ns = time.monotonic_ns()
        self.next = 0
        draw = random.Random(1)
        self.quotes = [(draw.randrange(64), draw.randrange(10_000, 108_000) / 100) for _ in range(QUOTES)]

    def turn(self):
        now_ns = time.monotonic_ns()
        for _ in range(self.most):
            ts = self.start_ns + self.next * 1_000_000_000 // self.rate
            if ts > now_ns:
                break
            symbol, price = self.quotes[self.next % QUOTES]
            self.app.publish("ticks", struct.pack("<IdqQ", symbol, price, ts, self.next), OpCode.BINARY)
            self.next += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    wanted = parser.parse_args()
    app = App()
    uv = app.loop.uv_loop
    kept = []

    def opened(socket):
        socket.subscribe("ticks")
        kept.append(socket)
        if len(kept) == wanted.connections:
            pace = Pace(app, wanted.rate, wanted.connections)
            kept.append(uv.create_timer(1, 1, lambda _: pace.turn(), None))

    def listening(config):
        port = app.get_listen_port() if hasattr(app, "get_listen_port") else config.port
        print(f"ws://127.0.0.1:{port}/ticks", file=sys.stderr, flush=True)

    app.ws("/*", {"open": opened, "compression": 0})
    app.listen({"host": "127.0.0.1", "port": 0}, listening)
    # The loop of the library polls without ever sleeping, for asyncio, which is not needed
    # here.
    uv.run()


main()
