"""Checks the report of a short comparison: REPORT.json LATE [CLIENT…], of all clients without
a name.

Exits with 0 when all is well, 1 when something is wrong, and 3 when the only
thing wrong is that the machine was too busy for the server to keep its rate:
the clients that this happened to are then written to the file LATE.
"""
import glob
import json
import sys
import tomllib

from verdicts import is_late

report = json.load(open(sys.argv[1]))
late_file, named = sys.argv[2], sys.argv[3:]
clients = set()
for path in glob.glob("clients/*/client.toml"):
    with open(path, "rb") as file:
        clients.add(tomllib.load(file)["name"])

wrong, busy, late = [], [], set()
rows = {(row["workload"], row["client"]): row for row in report["rows"]}
if report["schema"] != 3 or len(clients) < 17:
    wrong.append(f"schema {report['schema']}, {len(clients)} clients")
clients &= set(named or clients)
for workload in ("steady", "overload-500k", "flood"):
    for client in sorted(clients):
        row = rows.get((workload, client))
        where = f"{workload} {client}"
        if row is None:
            wrong.append(f"{where}: no row")
            continue
        reasons = row["reasons"]
        said = f"{where}: {row['verdict']}: {json.dumps(reasons)}"
        if row["verdict"] == "unavailable" and reasons:
            print(said)
        elif is_late(row):
            busy.append(said)
            late.add(client)
        elif row["verdict"] in ("noisy", "unsteady"):
            # Such rows are not ranked, and are no fault of the suite.
            print(said)
        elif row["verdict"] not in ("ok", "overloaded", "server-limited"):
            wrong.append(said)
        elif not row["processed_per_s"] > 1000:
            wrong.append(f"{where}: {row['processed_per_s']} ticks/s")
        elif workload != "flood" and row["response_ns"]["p50"] is None:
            wrong.append(f"{where}: no response time")

page = rows.get(("overload-500k", "js-sim"))
if page and page["verdict"] == "overloaded" and not 400e3 < page["backlog_growth_per_s"] < 500e3:
    wrong.append(f"js-sim falls behind by {page['backlog_growth_per_s']:.0f}/s, not about 470 000/s")
if page and page["verdict"] == "ok":
    wrong.append("js-sim keeps up with 500 000 ticks/s")
for line in wrong + busy:
    print(line, file=sys.stderr)
with open(late_file, "w") as file:
    print(*sorted(late), file=file)
sys.exit(1 if wrong else 3 if busy else 0)
