"""What verdicts of rows say about the machine."""

# What the audit reports when the machine kept the server from its schedule.
LATE = ("server_behind_schedule", "server_late")


def is_late(row):
    """Whether a row is invalid only because the server was late."""
    late = [r["code"] == "audit" and r["failure"]["code"] in LATE for r in row["reasons"]]
    return row["verdict"] == "invalid" and late != [] and all(late)
