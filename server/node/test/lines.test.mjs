import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PER_LINE, chunks, readLine, readPlan } from "../src/lines.mjs";

// The contract's own example of a plan.
const page = readFileSync(new URL("../../../harness/contract/README.md", import.meta.url), "utf8");
const PLAN = page.split("\n").find((line) => line.startsWith('{"type":"plan"') && line.includes('"seed"'));

const NODE = { title: "Node.js", inherits: true };

test("the example of the contract is a plan, with a seed of 64 bits", () => {
    assert.equal(readPlan(PLAN, NODE).seed, 1n);
    assert.equal(readPlan(PLAN.replace('"seed":1', '"seed":18446744073709551615'), NODE).seed, 2n ** 64n - 1n);
});

test("an error says what is wrong with a plan", () => {
    const cases = [
        ["hello", /not a contract line/],
        ['{"type":"stop"}', /the first line has to be the plan/],
        [PLAN.replace('"contract":2', '"contract":9'), /contract version 9, but/],
        [PLAN.replace('"spin"', '"spun"'), /unknown key `spun`/],
        [PLAN.replace('"spin":true,', ""), /missing key `spin`/],
        [PLAN.replace('"format":"binary"', '"format":"xml"'), /format is xml/],
        [PLAN.replace('"stride":997', '"stride":0'), /stride has to be at least 1/],
        [PLAN.replace('"connections":1', '"connections":0'), /connections are 0/],
        [PLAN.replace('"send_buffer_bytes":null', '"send_buffer_bytes":9'), /cannot set SO_SNDBUF/],
        [PLAN.replace('"congestion":null', '"congestion":"reno"'), /cannot set TCP_CONGESTION/],
        [PLAN.replace('{"kind":"flood"}', '{"kind":"rate","rate_per_s":0}'), /rate_per_s has to be/],
    ];
    const inherited = PLAN.replace('"congestion":null', '"congestion":"reno","listener_fd":7');
    assert.equal(readPlan(inherited, NODE).listener_fd, 7);
    assert.throws(() => readPlan(inherited, { title: "X", inherits: false }), /X cannot listen on the socket/);
    const own = readPlan(PLAN.replace('"congestion":null', '"congestion":"reno"'), { title: "X", inherits: false });
    assert.equal(own.congestion, "reno");
    for (const [line, error] of cases) assert.throws(() => readPlan(line, NODE), error, line);
});

test("start and stop are read, other lines are out of order", () => {
    assert.deepEqual(readLine('{"type":"start","at_ns":5}'), { start: 5 });
    assert.deepEqual(readLine('{"type":"stop"}'), { stop: true });
    assert.throws(() => readLine('{"type":"stop","now":1}'), /unknown key `now`/);
    assert.throws(() => readLine('{"type":"go"}'), /out of order/);
});

test("lists are split into lines", () => {
    assert.deepEqual(chunks([]), []);
    const cut = chunks(Array.from({ length: PER_LINE + 1 }, (_, at) => at));
    assert.deepEqual(cut.map((part) => part.length), [PER_LINE, 1]);
});
