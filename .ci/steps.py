"""Follows the four steps of clients/README.md word for word, in this checkout, and
removes what they created: steps.py"""
import json
import pathlib
import re
import shutil
import subprocess

from verdicts import is_late

NAME = "mine"
page = pathlib.Path("clients/README.md").read_text()
steps = page[page.index("## Add a client in four steps") : page.index("### In Rust")]
commands = re.findall(r"```sh\n\s*(.+?)\n\s*```", steps)
wanted = [
    f"cargo harness new {NAME} --template rust",
    f"cargo harness check {NAME}",
    f"cargo harness compare {NAME} floor --quick",
]
if commands != wanted:
    raise SystemExit(f"clients/README.md names other commands: {commands}")
room = pathlib.Path("clients") / NAME
campaigns = set(pathlib.Path("results").iterdir())
lock = pathlib.Path("Cargo.lock").read_bytes()
try:
    for command in commands:
        print(f"$ {command}", flush=True)
        code = subprocess.run(command, shell=True, timeout=900).returncode
        # A comparison ends with 1 where a row was not measured: other work on this machine
        # may have disturbed it.
        if code not in ((0, 1) if " compare " in command else (0,)):
            raise SystemExit(f"`{command}` ended with {code}")
    [campaign] = set(pathlib.Path("results").iterdir()) - campaigns
    for row in json.loads((campaign / "campaign.json").read_text())["rows"]:
        measured = ("ok", "overloaded", "server-limited", "unsteady", "noisy")
        if row["verdict"] not in measured and not is_late(row):
            raise SystemExit(f"{row['workload']} {row['client']}: {row['verdict']}: {row['reasons']}")
finally:
    shutil.rmtree(room, ignore_errors=True)
    pathlib.Path("Cargo.lock").write_bytes(lock)
    for path in set(pathlib.Path("results").iterdir()) - campaigns:
        shutil.rmtree(path)
