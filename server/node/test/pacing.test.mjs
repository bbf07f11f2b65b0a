import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, modeOf } from "../src/pacing.mjs";

const rate = (rate_per_s) => modeOf({ kind: "rate", rate_per_s });

test("the rate decides the mode", () => {
    assert.deepEqual(rate(300), { kind: "timer", periodMs: 1_000 / 300, ticks: 1 });
    assert.deepEqual(rate(1_000), { kind: "timer", periodMs: 1, ticks: 1 });
    assert.deepEqual(rate(1_001), { kind: "timer", periodMs: 1, ticks: 2 });
    assert.deepEqual(rate(10_000), { kind: "timer", periodMs: 1, ticks: 10 });
    assert.deepEqual(rate(10_001), { kind: "elapsed", ratePerS: 10_001 });
    assert.deepEqual(modeOf({ kind: "flood" }), { kind: "flood" });
    assert.throws(() => modeOf({ kind: "poisson", rate_per_s: 5, seed: 1 }), /a fixed rate and a flood only, not poisson/);
});

test("the loop makes every tick of the elapsed time, within the bound of a turn", () => {
    assert.equal(missing(0.01, 500_000, 0), 5);
    assert.equal(missing(0.01, 500_000, 5), 0);
    assert.equal(missing(1_000, 500_000, 499_995), 5);
    assert.equal(missing(1_000, 500_000, 5), 1_000, "the bound of a turn");
    assert.equal(missing(0, 500_000, 5), 0);
});
