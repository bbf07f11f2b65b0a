import assert from "node:assert/strict";
import { test } from "node:test";
import { Odometer } from "../src/odometer.mjs";

/** Counts frame by frame what the odometer computes. */
function counted(frames, bytes) {
    let at = 0;
    let ticks = 0;
    for (const [kind, length] of frames) {
        at += length;
        if (at > bytes) break;
        if (kind === "tick") ticks += 1;
    }
    return ticks;
}

test("bytes are told as ticks, whatever stands between them", () => {
    const odometer = new Odometer();
    const frames = [];
    // Lengths as of JSON seqs, and a ping here and there.
    for (let seq = 0; seq < 3_000; seq += 1) {
        if (seq % 97 === 50) {
            odometer.control(10);
            frames.push(["control", 10]);
        }
        const length = 40 + String(seq).length;
        odometer.tick(length);
        frames.push(["tick", length]);
    }
    for (let bytes = 0; bytes <= odometer.bytes; bytes += 37) {
        assert.equal(odometer.ticksWithin(bytes), counted(frames, bytes), `${bytes} bytes`);
    }
    assert.equal(odometer.ticksWithin(odometer.bytes), 3_000);
});

test("a ping before the first tick is no tick", () => {
    const odometer = new Odometer();
    odometer.control(10);
    assert.equal(odometer.ticksWithin(10), 0);
    odometer.tick(30);
    assert.deepEqual([10, 39, 40].map((bytes) => odometer.ticksWithin(bytes)), [0, 0, 1]);
});

test("it can be asked between frames, and forgets what is past", () => {
    const odometer = new Odometer();
    for (let seq = 0; seq < 10_000; seq += 1) {
        odometer.tick(20 + (seq % 2));
        assert.equal(odometer.ticksWithin(odometer.bytes), seq + 1);
    }
});
