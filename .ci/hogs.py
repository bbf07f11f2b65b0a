#!/usr/bin/env python3
"""Measures a comparison beside processes that take CPU time, and checks what it says about them.

    .ci/hogs.py [--rounds N] [--seed N] [--out DIR] KIND...

Kinds: `none`; `fifo-100` and `fifo-20`, a real-time process that is busy for 100 or 20 ms at
random times on a random CPU, in about one of two rounds; `normal-30`, a process of normal
priority that takes 30 % of a random CPU for seconds; `quota`, a control group (version 1) whose
quota of CPU time drops for 150 ms at random times. Needs root and an otherwise quiet machine; no
part of CI. Printed for each kind: rounds that a hog hit, rounds marked as disturbed, what was
marked without a hit or hit without a mark, invalid rounds, and the typical p99 of each client
beside that of `none`.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from multiprocessing import Event, Process, Queue
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ["floor", "tokio", "smol", "blocking", "fastwebsockets", "nexus-web"]
# Mean time between two bursts, in s: a round with its start and end takes about 3.3 s.
BETWEEN_S = 6.0
# A burst that overlaps the window by less than the rule's bound may be left unmarked.
BOUND_NS = 10_000_000
QUOTA = Path("/sys/fs/cgroup/cpu/tick-bench-hogs")


def busy_until(end_ns):
    while time.monotonic_ns() < end_ns:
        pass


def hog(kind, seed, ended, bursts):
    """Takes CPU time until `ended`; puts `(begin, end)` of each burst, in ns."""
    rng = random.Random(seed)
    cpus = sorted(os.sched_getaffinity(0))
    if kind.startswith("fifo"):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    while not ended.wait(rng.expovariate(1 / BETWEEN_S)):
        os.sched_setaffinity(0, {rng.choice(cpus)})
        begin = time.monotonic_ns()
        if kind == "normal-30":
            while time.monotonic_ns() < begin + 3_000_000_000:
                at = time.monotonic_ns()
                busy_until(at + 3_000_000)
                time.sleep(0.007)
        elif kind == "quota":
            (QUOTA / "cpu.cfs_quota_us").write_text("20000")
            time.sleep(0.15)
            (QUOTA / "cpu.cfs_quota_us").write_text("400000")
        else:
            busy_until(begin + int(kind.split("-")[1]) * 1_000_000)
        bursts.put((begin, time.monotonic_ns()))


def compare(kind, args):
    """Runs the comparison in a control group of its own where a quota is the hog."""
    command = ["cargo", "harness", "compare", *CLIENTS, "--workload", "steady", "--no-counters"]
    command += ["--rounds", str(args.rounds), "--seed", str(args.seed)]
    command += ["--out", str(args.out / kind)]

    def join():
        if kind == "quota":
            (QUOTA / "cgroup.procs").write_text(str(os.getpid()))

    done = subprocess.run(command, cwd=ROOT, preexec_fn=join, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return max((args.out / kind).iterdir())


def rounds_of(campaign):
    with open(campaign / "rounds.jsonl") as lines:
        return [r for r in map(json.loads, lines) if r.get("start_ns")]


def overlap_ns(burst, round_):
    measured = round_["measurement"] or {}
    start = round_["start_ns"]
    window = (start + round_["warmup_ns"], start + round_["warmup_ns"] + round_["measure_ns"])
    if measured.get("window_to_ns"):
        window = (window[0], start + measured["window_to_ns"])
    return min(burst[1], window[1]) - max(burst[0], window[0])


def typical_us(rounds):
    found = {}
    for r in rounds:
        typical = (r["measurement"] or {}).get("typical_ns")
        if r["verdict"] == "ok" and typical:
            p99 = typical["p99"]
            name = r["client"] + (" (control)" if r["control"] else "")
            found.setdefault(name, []).append((p99 if isinstance(p99, int) else p99["at_least"]) / 1000)
    return {name: (statistics.median(all_), len(all_)) for name, all_ in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="+", metavar="KIND")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    quiet = None
    for kind in args.kinds:
        ended, bursts, all_bursts = Event(), Queue(), []
        if kind == "quota":
            QUOTA.mkdir(exist_ok=True)
            (QUOTA / "cpu.cfs_quota_us").write_text("400000")
        process = Process(target=hog, args=(kind, args.seed, ended, bursts))
        if kind != "none":
            process.start()
        try:
            campaign = compare(kind, args)
        finally:
            ended.set()
            if kind != "none":
                process.join(10)
            if kind == "quota":
                QUOTA.rmdir()
        while not bursts.empty():
            all_bursts.append(bursts.get())
        rounds = rounds_of(campaign)
        hit = [any(overlap_ns(b, r) >= BOUND_NS for b in all_bursts) for r in rounds]
        marked = [r["verdict"] == "noisy" for r in rounds]
        print(f"{kind}: {len(all_bursts)} bursts, {len(rounds)} rounds, {sum(hit)} hit, "
              f"{sum(marked)} marked, {sum(h and not m for h, m in zip(hit, marked))} hit and not "
              f"marked, {sum(m and not h for h, m in zip(hit, marked))} marked and not hit, "
              f"{sum(r['verdict'] == 'invalid' for r in rounds)} invalid")
        for r, h, m in zip(rounds, hit, marked):
            if h != m or m:
                print(f"  {r['client']} round {r['round']}.{r.get('repeat', 0)}: hit {h}: "
                      f"{r['reasons']}")
        found = typical_us(rounds)
        quiet = quiet or found
        for name, (us, count) in sorted(found.items(), key=lambda item: item[1]):
            base = quiet.get(name, (us, 0))[0]
            print(f"  {name}: typical p99 {us:.0f} us over {count} rounds, {us / base:.2f} times that of {args.kinds[0]}")


if __name__ == "__main__":
    main()
