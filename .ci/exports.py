"""Checks the exports of saved campaigns with the programs that people use to read them:
DuckDB, Polars, HdrHistogram's own reader. HARNESS-COMMAND... -- CAMPAIGN...

The output of `harness show` is compared with campaign.json and rounds.jsonl; formats that
need the stamps only if the campaign has them. Exits with 0 when all agrees, and with 1 and
a line for each difference when not.
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import polars
from hdrh.log import HistogramLogReader
from hdrh.histogram import HdrHistogram
from saved import saved_rounds

RANKED = ("ok", "overloaded")
MEASURED = RANKED + ("server-limited", "unsteady", "noisy")
ROUND = ["workload", "client", "control", "round", "repeat"]
wrong = []


def check(agrees, message):
    if not agrees:
        wrong.append(message)


def show(harness, campaign, to, *args):
    with open(to, "wb") as file:
        subprocess.run([*harness, "show", str(campaign), *args], stdout=file, check=True)


def bound(time):
    """A time in JSON as its bound in ns, and whether it is only a lower bound."""
    return (time["at_least"], True) if isinstance(time, dict) else (time, False)


def rank(count, share):
    """The nearest rank, from 0."""
    return max(math.ceil(share * count) - 1, 0)


def journeys(campaign, rounds, parquet):
    """Compares the Parquet table, as both readers read it, with the rounds."""
    expected = {}
    for line in rounds:
        if line["measurement"] and line["measurement"]["response_ns"]:
            key = tuple(line.get(name, 0) for name in ROUND)
            expected[key] = (line["measurement"]["samples"], bound(line["measurement"]["response_ns"]["p99"]))
    by_duckdb = duckdb.sql(f"""
        with numbered as (
            select *, row_number() over (partition by {','.join(ROUND)} order by response_ns, censored) as place,
                   count(*) over (partition by {','.join(ROUND)}) as samples
            from read_parquet('{parquet}') where in_window)
        select {','.join(ROUND)}, samples, response_ns, censored from numbered
        where place = greatest(ceil(samples * 0.99), 1)""").fetchall()
    found = {tuple(row[:5]): (row[5], row[6]) for row in by_duckdb}
    table = polars.read_parquet(parquet)
    window = table.filter(polars.col("in_window")).sort("response_ns")
    for key, group in window.group_by(ROUND):
        values = group["response_ns"]
        here = (len(values), values[rank(len(values), 0.99)])
        check(found.get(key) == here, f"{campaign} {key}: DuckDB {found.get(key)}, Polars {here}")
        samples, (p99, _) = expected.get(key, (None, (None, None)))
        check(here == (samples, p99), f"{campaign} {key}: {here}, but rounds.jsonl has {samples}, {p99}")
    check(set(found) == set(expected), f"{campaign}: other rounds in the table than in rounds.jsonl")

    # The same by client.
    counts = duckdb.sql(
        f"select workload, client, count(*) from read_parquet('{parquet}') where in_window group by all"
    ).fetchall()
    sums = {}
    for line in rounds:
        samples = (line["measurement"] or {}).get("samples", 0)
        pair = (line["workload"], line["client"])
        sums[pair] = sums.get(pair, 0) + samples
    sums = {pair: count for pair, count in sums.items() if count}
    check({tuple(row[:2]): row[2] for row in counts} == sums, f"{campaign}: other counts of samples")
    parts = table.filter(polars.col("processed_ns").is_not_null() & polars.col("due_ns").is_not_null())
    odd = parts.filter(polars.col("response_ns") != polars.col("processed_ns") - polars.col("due_ns"))
    check(odd.is_empty(), f"{campaign}: response is not processed - due")
    check(not table.filter(polars.col("censored") != polars.col("processed_ns").is_null()).height,
          f"{campaign}: censored is not unprocessed")
    return window


def behind(campaign, rounds, workload, client):
    """The rounds behind a row, in their order."""
    mine = [r for r in rounds if (r["workload"], r["client"], r["control"]) == (workload, client, False)]
    if campaign["kind"] == "capacity":
        return [r for r in mine if r["verdict"] in MEASURED and r["measurement"]]
    row = next(r for r in campaign["rows"] if (r["workload"], r["client"]) == (workload, client))
    of = RANKED if row["verdict"] in RANKED else (row["verdict"],)
    # No number is from a round that failed its audit.
    of = [verdict for verdict in of if verdict in MEASURED]
    return [r for r in mine if r["verdict"] in of and r["measurement"]]


def log(name, campaign, rounds, window, workload, path):
    """Compares an interval log, as HdrHistogram's reader reads it, with rounds and journeys."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, 1 << 47, 3))
    intervals = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        intervals.setdefault(histogram.get_tag(), []).append(histogram)
    clients = sorted({r["client"] for r in rounds if r["workload"] == workload})
    for client in clients:
        expected = behind(campaign, rounds, workload, client)
        got = intervals.pop(client, [])
        where = f"{name} {workload} {client}"
        check(len(got) == len(expected), f"{where}: {len(got)} intervals of {len(expected)} rounds")
        for histogram, line in zip(got, expected):
            key = {name: line.get(name, 0) for name in ROUND}
            values = window.filter(**key)["response_ns"].to_list()
            check(histogram.get_total_count() == len(values), f"{where} {line['round']}: other counts")
            for percent in (50, 99, 99.9, 100):
                seen = histogram.get_value_at_percentile(percent)
                # That reader rounds to a rank; this suite takes the next higher one.
                place = rank(len(values), percent / 100)
                low, high = values[max(place - 1, 0)], values[min(place + 1, len(values) - 1)]
                near = low * 0.999 - 1 <= seen <= high * 1.001 + 1
                check(near, f"{where} round {line['round']} p{percent}: {seen}, not {low} to {high}")
    check(not intervals, f"{name} {workload}: intervals of {list(intervals)}")


def tidy(name, campaign, path):
    """Compares the tidy CSV, as both readers read it, with the rows."""
    table = polars.read_csv(path, infer_schema_length=None)
    again = duckdb.sql(f"select count(*), sum(value) from read_csv('{path}')").fetchall()[0]
    check(again[0] == table.height, f"{name}: DuckDB and Polars read different CSV")
    check(math.isclose(again[1], table["value"].sum(), rel_tol=1e-9), f"{name}: other sums")
    for row in campaign["rows"]:
        mine = table.filter(workload=row["workload"], client=row["client"])
        for metric, statistic, value in [
            ("processed", "mean", row["processed_per_s"]),
            ("response", "p99", row["response_ns"] and bound(row["response_ns"]["p99"])[0]),
            ("client_memory", "max", row["client_peak_rss_bytes"]),
        ]:
            found = mine.filter(metric=metric, statistic=statistic)["value"].to_list()
            check(found == ([] if value is None else [value]),
                  f"{name} {row['workload']} {row['client']} {metric}: {found}, not {value}")
    for capacity in campaign["capacities"]:
        found = table.filter(client=capacity["client"], metric="capacity")["value"].to_list()
        value = capacity["capacity_per_s"]
        check(found == ([] if value is None else [value]), f"{name} {capacity['client']}: {found}, not {value}")


def one(harness, folder, room):
    """Checks all exports of one campaign. Returns whether it has its stamps."""
    campaign = json.loads((folder / "campaign.json").read_text())
    name = folder.name
    show(harness, folder, room / "tidy.csv", "--format", "csv")
    tidy(name, campaign, room / "tidy.csv")
    if not (folder / "journeys").exists():
        print(f"{name}: without its stamps")
        return False
    rounds = saved_rounds(folder)
    show(harness, folder, room / "journeys.parquet", "--format", "parquet")
    window = journeys(name, rounds, room / "journeys.parquet")
    due = sorted({r["workload"] for r in rounds
                  if r in behind(campaign, rounds, r["workload"], r["client"])
                  and r["measurement"]["response_ns"]})
    # A search has a workload for every rate that it tried.
    for workload in due[:6]:
        show(harness, folder, room / "one.hlog", "--format", "hlog", "--workload", workload)
        log(name, campaign, rounds, window, workload, room / "one.hlog")
    size = (room / "journeys.parquet").stat().st_size / 1e6
    print(f"{name}: {window.height} sampled ticks, {size:.1f} MB as Parquet, {len(due)} logs")
    return True


def main():
    split = sys.argv.index("--")
    harness, folders = sys.argv[1:split], [pathlib.Path(path) for path in sys.argv[split + 1:]]
    with tempfile.TemporaryDirectory() as room:
        stamped = [one(harness, folder, pathlib.Path(room)) for folder in folders]
    check(any(stamped), "no campaign has its stamps")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
