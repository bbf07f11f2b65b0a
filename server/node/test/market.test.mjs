import assert from "node:assert/strict";
import { test } from "node:test";
import { Market } from "../src/market.mjs";

// The same numbers are in server/tick/src/market.rs.
const KNOWN = [
    [1n, 0, 13, 36_291],
    [1n, 1, 61, 74_272],
    [7n, 123_456_789, 4, 20_449],
    [2n ** 64n - 1n, 2 ** 40 + 5, 33, 74_874],
];

test("the market is the market of the suite", () => {
    for (const [seed, seq, symbol, cents] of KNOWN) {
        assert.deepEqual(new Market(seed).tick(seq), { symbol, cents }, `tick ${seq} of ${seed}`);
    }
});
