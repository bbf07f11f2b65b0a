import assert from "node:assert/strict";
import { test } from "node:test";
import { TickCounter } from "../src/tick_counter.mjs";

/** Counts frame by frame. */
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

test("bytes are converted to ticks, with any frames between them", () => {
    const counter = new TickCounter();
    const frames = [];
    // Lengths as of JSON seqs, and a ping here and there.
    for (let seq = 0; seq < 3_000; seq += 1) {
        if (seq % 97 === 50) {
            counter.control(10);
            frames.push(["control", 10]);
        }
        const length = 40 + String(seq).length;
        counter.tick(length);
        frames.push(["tick", length]);
    }
    for (let bytes = 0; bytes <= counter.bytes; bytes += 37) {
        assert.equal(counter.ticksWithin(bytes), counted(frames, bytes), `${bytes} bytes`);
    }
    assert.equal(counter.ticksWithin(counter.bytes), 3_000);
});

test("a ping before the first tick is not a tick", () => {
    const counter = new TickCounter();
    counter.control(10);
    assert.equal(counter.ticksWithin(10), 0);
    counter.tick(30);
    assert.deepEqual([10, 39, 40].map((bytes) => counter.ticksWithin(bytes)), [0, 0, 1]);
});

test("ticks can be counted after each frame", () => {
    const counter = new TickCounter();
    for (let seq = 0; seq < 10_000; seq += 1) {
        counter.tick(20 + (seq % 2));
        assert.equal(counter.ticksWithin(counter.bytes), seq + 1);
    }
});
