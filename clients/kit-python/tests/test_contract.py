"""The classes of the contract accept exactly the lines of the Rust types: a key that is
added, renamed or removed there fails here."""

import json
import unittest

from tests.fixtures import LINES, plan, without
from tickkit import contract
from tickkit.contract import CONTRACT, READ, WRITTEN, Counts, Final, format_line, parse_line
from tickkit.contract_error import ContractError
from tickkit.plan import check_plan

REFUSED = [
    ("other_version", None, plan(contract=1, surprise=1)),
    ("wrong_kind", "ca", plan(ca=5)),
    ("wrong_kind", "ca", plan(ca=None)),
    ("wrong_kind", "symbols", plan(symbols="64")),
    ("wrong_kind", "symbols", plan(symbols=True)),
    ("wrong_kind", "format", plan(format="xml")),
    ("wrong_kind", "sample", plan(sample=[3, 7])),
    ("wrong_kind", "schedule", plan(schedule={"kind": "plan"})),
    ("missing_key", "schedule.rate_per_s", plan(schedule={"kind": "rate"})),
    ("out_of_range", "urls", plan(urls=[])),
    ("out_of_range", "symbols", plan(symbols=0)),
    ("out_of_range", "sample.stride", plan(sample={"first": 0, "stride": 0})),
    ("out_of_range", "receive_buffer_bytes", plan(receive_buffer_bytes=0)),
    ("not_an_object", None, None),
    ("unknown_type", None, {"type": "hello"}),
    ("unknown_type", None, {"type": {}}),
]
BAD_URLS = [
    "ws://example.com/",
    "ws://localhost:1/",
    "ws://127.0.0.1:99999/",
    "wss://127.0.0.1:1/",
    "ws://127.0.0.1:1",
]


def valid(lines):
    return [lines["all_keys"], lines["minimal"], *lines["values"]]


def build(line):
    """A line to be written, from its keys; an unknown or missing one is a TypeError."""

    def fields(keys):
        return {"class_" if key == "class" else key: value for key, value in keys.items()}

    kind = next(kind for kind in WRITTEN if kind.__name__.lower() == line["type"])
    found = fields(without(line, "type"))
    if "queue" in found:
        found["queue"] = contract.Queue(**found["queue"])
    return kind(**found)


class ContractTest(unittest.TestCase):
    def refuses(self, code, key, line):
        with self.assertRaises(ContractError) as caught:
            parse_line(line)
        self.assertEqual((caught.exception.code, caught.exception.fields.get("key")), (code, key))

    def test_version_and_types_are_those_of_the_rust_workspace(self):
        self.assertEqual(CONTRACT, LINES["contract"])
        for kinds, lines in ((READ, LINES["read"]), (WRITTEN, LINES["written"])):
            self.assertEqual({kind.__name__.lower() for kind in kinds}, lines.keys())

    def test_every_line_is_read(self):
        for lines in LINES["read"].values():
            for line in valid(lines):
                read = parse_line(json.dumps(line))
                self.assertEqual(json.loads(format_line(read)), line)

    def test_unknown_and_missing_keys_are_refused(self):
        for lines in LINES["read"].values():
            for line in lines["unknown_key"]:
                with self.assertRaises(ContractError) as caught:
                    parse_line(json.dumps(line))
                self.assertEqual(caught.exception.code, "unknown_key")
            for key in without(lines["minimal"], "type"):
                self.refuses("missing_key", key, json.dumps(without(lines["minimal"], key)))

    def test_every_line_is_written(self):
        for lines in LINES["written"].values():
            for line in valid(lines):
                self.assertEqual(json.loads(format_line(build(line))), line)

    def test_unknown_and_missing_keys_are_not_written(self):
        for lines in LINES["written"].values():
            for line in lines["unknown_key"]:
                self.assertRaises(TypeError, build, line)
            for key in without(without(lines["minimal"], "type"), "contract"):
                self.assertRaises(TypeError, build, without(lines["minimal"], key))

    def test_a_bad_line_is_refused_by_its_code_and_key(self):
        for code, key, line in REFUSED:
            with self.subTest(code=code, key=key):
                self.refuses(code, key, json.dumps(line))
        self.refuses("not_json", None, "hello?")

    def test_urls_are_addresses_of_the_right_scheme(self):
        for url in BAD_URLS:
            with self.subTest(url), self.assertRaises(ContractError) as caught:
                check_plan(parse_line(json.dumps(plan(urls=[url]))))
            self.assertEqual(caught.exception.code, "bad_url")

    def test_a_plan_under_tls_is_for_a_client_that_speaks_it(self):
        tls = parse_line(json.dumps(LINES["read"]["plan"]["all_keys"]))
        with self.assertRaises(ContractError) as caught:
            check_plan(tls)
        self.assertEqual(caught.exception.code, "tls_not_supported")
        self.assertEqual(len(check_plan(tls, speaks_tls=True)), 1)

    def test_an_error_about_a_line_is_one_short_line(self):
        line = '{"type":"plan","a\x1bb":"' + "x" * 1000
        with self.assertRaises(ContractError) as caught:
            parse_line(line)
        message = str(caught.exception)
        self.assertTrue(len(message) < 300 and message.isprintable(), message)

    def test_counts_are_summed_by_their_fields(self):
        keys = LINES["written"]["final"]["minimal"]
        report = build(keys)
        counts = Counts(**{key: keys[key] for key in vars(Counts.sum([]))})
        doubled = Final(**vars(Counts.sum([counts, counts])), ended=report.ended, detail=None)
        self.assertEqual(doubled.received, 2 * report.received)
        self.assertEqual(set(vars(Counts.sum([])).values()), {0})


if __name__ == "__main__":
    unittest.main()
