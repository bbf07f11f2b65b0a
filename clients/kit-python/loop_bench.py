"""For benches of Python clients: the client itself, under the contract, beside a bare loop
with the same library. Both read the same bytes over loopback."""

import base64
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 5
TIMEOUT_S = 120
FRAME_BYTES = 30
CLOSE = bytes([0x88, 2, 0x03, 0xE8])
CLOSE_OPCODE = 0x88
# RFC 6455 section 1.3.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def compare(programs, ticks):
    """Runs programs in turns, and prints the median rate of each and their ratios.

    `programs` maps a name to its command and whether it speaks the contract. One that does
    not gets the URL as its last argument, reads until the connection is closed, and then
    prints a line. They are timed from the first byte sent to their last line: a library may
    answer a close frame long before its messages were read. The CPU time of the same span is
    more reliable on a machine with other load. The ratios are to the last program.
    """
    frames = encode(ticks)
    spans = {name: [] for name in programs}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory, socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(TIMEOUT_S)
        names = list(programs)
        for turn in range(ROUNDS):
            # Each goes first as often as any other.
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                command, is_client = programs[name]
                meter = Path(directory, "meter") if is_client else None
                spans[name].append(run(server, frames, command, meter))
    medians = {name: [median(clock) for clock in zip(*each)] for name, each in spans.items()}
    last = medians[names[-1]]
    for name, (seconds, cpu_s) in medians.items():
        each = " ".join(f"{ticks / span[0] / 1e3:.0f}" for span in spans[name])
        print(f"{name}: {ticks / seconds / 1e3:.0f} k ticks/s (median of {each}),"
              f" {last[0] / seconds:.2f} of {names[-1]};"
              f" {cpu_s / ticks * 1e9:.0f} ns of CPU per tick, {last[1] / cpu_s:.2f}")


def run(server, frames, command, meter):
    """One program, from the first byte sent to its last line: seconds, and seconds of CPU."""
    url = f"ws://127.0.0.1:{server.getsockname()[1]}/ticks"
    command = list(map(str, command)) + ([] if meter else [url])
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            if meter:
                meter.write_bytes(b"TICKMTR1" + bytes(4088))
                child.stdin.write(json.dumps(bench_plan(url, meter)) + "\n")
                child.stdin.flush()
            begin = serve(server, frames, lambda: clocks(child.pid))
            out = report_of(child.stdout) if meter else child.stdout.readline()
            end = clocks(child.pid)
            child.communicate(timeout=TIMEOUT_S)
        except BaseException:
            child.kill()
            raise
    ticks = len(frames) // FRAME_BYTES
    if child.returncode != 0 or (meter and json.loads(out).get("processed") != ticks):
        raise SystemExit(f"`{' '.join(command)}` failed: {out[-500:]}")
    return [after - before for after, before in zip(end, begin)]


def report_of(stdout):
    """The client's last line, read as soon as it is written."""
    return next((line for line in stdout if json.loads(line)["type"] == "final"), "{}")


def bench_plan(url, meter):
    """From the fixtures, so inside the suite only."""
    from tests.fixtures import plan

    sample = {"first": 498, "stride": 997}
    return plan(urls=[url], meter=str(meter), sample=sample, deadline_ms=600_000)


def clocks(pid):
    """The time, and the CPU time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.perf_counter(), ticks / os.sysconf("SC_CLK_TCK")


def serve(server, frames, read_clocks):
    """Answers the handshake and sends all frames; returns when that began."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(TIMEOUT_S)
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        connection.sendall(handshake_answer(request.decode("latin-1")))
        begin = read_clocks()
        connection.sendall(frames)
        connection.sendall(CLOSE)
        if connection.recv(4096)[0] != CLOSE_OPCODE:
            raise SystemExit("the program did not answer the close frame")
        return begin


def handshake_answer(request):
    key = re.search(r"(?i)sec-websocket-key: *(\S+)", request)[1]
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {accept}", "", ""]
    return "\r\n".join(lines).encode()


def encode(ticks):
    frame = struct.Struct("<BBIdqQ")
    frames = bytearray(ticks * FRAME_BYTES)
    for seq in range(ticks):
        price = (10_000 + seq % 90_000) / 100
        frame.pack_into(frames, seq * FRAME_BYTES, 0x82, FRAME_BYTES - 2, seq * 7 % 64, price,
                        81_000_000_000_000 + seq * 1000, seq)
    return bytes(frames)
