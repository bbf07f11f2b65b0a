"""Runs the example of METHODOLOGY.md, "Charts of your own", on published campaigns: CAMPAIGN...

Campaigns without a chart of rates are left out. Exits with 1 and a line for each fault, or when no
campaign has one.
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile

SUITE = pathlib.Path(__file__).resolve().parent.parent


def example():
    text = (SUITE / "harness/METHODOLOGY.md").read_text()
    _, section = text.split("\n## Charts of your own\n")
    return section.split("```python\n")[1].split("```")[0]


def check(directory, code):
    charts = json.loads((directory / "charts.json").read_text())["charts"]
    if not any(chart["shows"] in ("throughput", "capacity") for chart in charts):
        return None
    with tempfile.TemporaryDirectory() as workspace:
        shutil.copy(directory / "charts.json", workspace)
        before = os.getcwd()
        os.chdir(workspace)
        found = {}
        try:
            exec(code, found)
        finally:
            os.chdir(before)
        picture = pathlib.Path(workspace, "rates.png")
        if not picture.exists() or picture.stat().st_size < 10_000:
            return f"{directory.name}: no picture"
        drawn = len(found["axes"].patches)
    chart = next(one for one in charts if one["shows"] in ("throughput", "capacity"))
    rates = ("processed_per_s", "sustained_per_s")
    wanted = sum(value["quantity"] in rates for value in chart["values"])
    if drawn != wanted:
        return f"{directory.name}: {drawn} bars instead of {wanted}"
    return ""


def main():
    directories = [pathlib.Path(path).resolve() for path in sys.argv[1:]]
    code = example()
    results = [check(directory, code) for directory in directories if (directory / "charts.json").exists()]
    drawn = [result for result in results if result is not None]
    wrong = [result for result in drawn if result] or ([] if drawn else ["no campaign has rates"])
    print(f"{len(drawn)} campaigns drawn")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
