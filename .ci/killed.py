"""Kills a harness in the middle of a round of each client, and checks that no process and no
file of it is left: killed.py HARNESS CLIENT…"""
import glob
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
PLACES = ("/tmp/.X*-lock", "/tmp/.X11-unix/*", "/dev/shm/*", tempfile.gettempdir() + "/tick-*")


def processes():
    """All that runs: numbers, with names."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, state = (path / "stat").read_text().rsplit(")", 1)
            if state.split()[0] != "Z":
                found[int(path.name)] = name.split("(", 1)[1]
        except OSError:
            pass
    return found


def started(before):
    known = ("WebKit", "Xvfb", "client-tauri", "tick-server")
    return {p: n for p, n in processes().items() if p not in before and n.startswith(known)}


def wait_for(condition, what):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"{what} within {PATIENCE_S} s: {started({})}")
        time.sleep(0.05)


def files():
    return {path for place in PLACES for path in glob.glob(place)}


def kill_in_a_round(harness, client, out):
    before_processes, before_files = processes(), files()
    command = [harness, "compare", client, "--profile", "dev", "--unchecked", "--rounds", "1"]
    command += ["--workload", "steady", "--seconds", "20", "--out", out]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = ("WebKitWebProces", "WebKitNetworkPr")
    wait_for(lambda: set(names) <= set(started(before_processes).values()), "no page")
    time.sleep(2)
    seen = sorted(started(before_processes).values())
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait_for(lambda: not started(before_processes), f"{client}: it leaves processes")
    wait_for(lambda: not files() - before_files, f"{client}: it leaves {files() - before_files}")
    print(f"{client}: nothing is left of {', '.join(seen)}")


def main():
    harness, *clients = sys.argv[1:]
    for client in clients:
        with tempfile.TemporaryDirectory() as out:
            kill_in_a_round(harness, client, out)


main()
