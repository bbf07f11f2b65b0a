"""Runs the example of METHODOLOGY.md, "Evidence", in the directories of published campaigns, and
compares what it finds with the tables. CAMPAIGN...

Campaigns from before there was such evidence are left out. Exits with 1 and a line for each
difference, or when no campaign has any.
"""
import contextlib
import io
import json
import os
import pathlib
import sys

from saved import saved_rounds

SUITE = pathlib.Path(__file__).resolve().parent.parent
wrong = []


def example():
    text = (SUITE / "harness/METHODOLOGY.md").read_text()
    _, section = text.split("\n## Evidence\n")
    return section.split("```python\n")[1].split("```")[0]


def bound(time):
    return time["at_least"] if isinstance(time, dict) else time


def check(folder, code):
    found = {}
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, found)
    campaign = json.loads(pathlib.Path("campaign.json").read_text())
    rows = {
        (row["workload"], row["client"]): bound(row["typical_ns"]["p99"])
        for row in campaign["rows"]
        if row["verdict"] in ("ok", "overloaded") and row.get("typical_ns")
    }
    order = found["order"].rows()
    figures = {(workload, client): p99 for workload, client, p99 in order}
    # The rounds of a search have no rows.
    if campaign["rows"]:
        missing = {key: p99 for key, p99 in rows.items() if figures.get(key) != p99}
        if missing:
            wrong.append(f"{folder.name}: typical p99 {missing}, but its windows give {figures}")
        if order != sorted(order, key=lambda row: (row[0], row[2])):
            wrong.append(f"{folder.name}: not in order: {order}")
    rounds = [r for r in saved_rounds(folder) if (r.get("measurement") or {}).get("typical_ns")]
    for workload, share in found["disturbed"].rows():
        of = [r["verdict"] == "noisy" for r in rounds if r["workload"] == workload and not r["control"]]
        if abs(share - sum(of) / len(of)) > 1e-9:
            wrong.append(f"{folder.name} {workload}: {share} of the rounds disturbed, not {of}")
    took_ns = sum(d["took_ns"] for r in rounds for d in r.get("disturbances", []))
    if sum(found["took_ns"].values()) < took_ns:
        wrong.append(f"{folder.name}: {found['took_ns']}, but disturbances took {took_ns} ns")
    print(f"{folder.name}: {len(figures)} rows, {len(rounds)} rounds agree with their windows")


def main():
    folders = [pathlib.Path(path).resolve() for path in sys.argv[1:]]
    folders = [folder for folder in folders if (folder / "windows.parquet").exists()]
    if not folders:
        wrong.append("no campaign has windows.parquet")
    code = example()
    for folder in folders:
        check(folder, code)
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
