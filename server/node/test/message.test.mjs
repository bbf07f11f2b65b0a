import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_BYTES, message } from "../src/message.mjs";

const TICK = { symbol: 7, cents: 41_205 };
const made = (format) => message(format, TICK, 81_000_020_000, 1_700_000_000_000);

test("JSON payloads are those of the contract, with cents of two digits", () => {
    assert.equal(made("json").of(2), '{"symbol":7,"price":412.05,"ts":81000020000,"seq":2}');
    assert.equal(made("classic-json").of(2), '{"symbol":7,"price":412.05,"ts":1700000000000}');
});

test("binary payloads have the fields of the contract", () => {
    const payload = made("binary").of(2 ** 33 + 5);
    assert.equal(payload.length, 28);
    assert.equal(payload.readUInt32LE(0), 7);
    assert.equal(payload.readDoubleLE(4), 412.05);
    assert.equal(payload.readBigInt64LE(12), 81_000_020_000n);
    assert.equal(payload.readBigUInt64LE(20), 2n ** 33n + 5n);
    const classic = made("classic-binary").of(9);
    assert.equal(classic.length, 20);
    assert.equal(classic.readBigInt64LE(12), 1_700_000_000_000n);
});

test("a payload does not change when the next one is made", () => {
    const binary = made("binary");
    const first = binary.of(1);
    binary.of(2);
    assert.equal(first.readBigUInt64LE(20), 1n);
});

test("classic payloads are the same for every seq", () => {
    for (const format of ["classic-binary", "classic-json"]) {
        const classic = made(format);
        assert.equal(classic.of(1), classic.of(2));
    }
});

test("the length of a frame is known before it is made", () => {
    for (const format of ["binary", "json", "classic-binary", "classic-json"]) {
        for (const seq of [0, 9, 10, 123_456, 2 ** 40]) {
            const one = made(format);
            assert.equal(one.frameBytes(seq), HEADER_BYTES + Buffer.from(one.of(seq)).length, `${format} ${seq}`);
        }
    }
});
