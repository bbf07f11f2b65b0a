"""Writes a copy of a campaign with hostile names and texts: FROM TO."""
import json
import os
import shutil
import sys

from saved import saved_lines

source, target = sys.argv[1:]
NAMES = {
    "tokio": "<script>window.hacked=1</script>",
    "glommio": "a|b`c*d_e",
    "blocking": "=cmd()",
    "async-std": '"><img src=x onerror="window.hacked=1">\u202e\u001b[31mred',
}
TEXT = "</td></table><script>window.hacked=1</script> | ![x](javascript:alert(1))\n# heading"

os.makedirs(target)
for folder in ("grid", "journeys"):
    shutil.copytree(os.path.join(source, folder), os.path.join(target, folder))


def rename(value):
    if isinstance(value, dict):
        return {NAMES.get(key, key): rename(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rename(item) for item in value]
    return NAMES.get(value, value) if isinstance(value, str) else value


with open(os.path.join(source, "campaign.json")) as file:
    campaign = rename(json.load(file))
# Its rows are then computed again from the rounds.
campaign["status"] = "running"
campaign["command"] += " " + TEXT
campaign["machine"]["cpu_model"] = TEXT
for workload in campaign["workloads"]:
    workload["why"] = workload["read"] = TEXT
for client in campaign["clients"].values():
    client["runtime"] = client["transport"] = TEXT
with open(os.path.join(target, "campaign.json"), "w") as file:
    json.dump(campaign, file)
rounds = [rename(one) for one in saved_lines(source)]
for one in rounds:
    one["remarks"] = [TEXT]
    if one["verdict"] == "overloaded":
        one["reasons"] = [{"code": "harness", "error": TEXT}]
with open(os.path.join(target, "rounds.jsonl"), "w") as file:
    for one in rounds:
        file.write(json.dumps(one) + "\n")
