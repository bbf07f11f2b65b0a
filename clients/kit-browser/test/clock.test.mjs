import assert from "node:assert/strict";
import { test } from "node:test";
import { RESOLUTION_NS, clock_offset, machine_ns } from "../bridge/clock.mjs";

const OFFSET_NS = 81_000_000_000_000n;

/** An exchange with these delays of question and answer. */
function exchange(page_ns, question_ns, answer_ns) {
  const at_ns = page_ns + OFFSET_NS;
  return { sent_ns: at_ns - question_ns, page_ns, answered_ns: at_ns + answer_ns };
}

test("equal delays give the exact offset, and half the round trip as its error", () => {
  const { offset_ns, error_ns } = clock_offset([exchange(5_000_000n, 60_000n, 60_000n)]);
  assert.equal(offset_ns, OFFSET_NS);
  assert.equal(error_ns, 60_000n + 2n * RESOLUTION_NS);
});

test("the shortest delays of different exchanges are combined", () => {
  const exchanges = [exchange(1_000_000n, 40_000n, 900_000n), exchange(2_000_000n, 900_000n, 50_000n)];
  const { offset_ns, error_ns } = clock_offset(exchanges);
  assert.equal(error_ns, 45_000n + 2n * RESOLUTION_NS);
  assert.equal(offset_ns, OFFSET_NS + 5_000n);
});

test("the true offset is within the error for any delays and rounding", () => {
  let seed = 1n;
  const random = (below) => {
    seed = (seed * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n;
    return (seed >> 33n) % below;
  };
  for (let round = 0; round < 500; round += 1) {
    const exchanges = Array.from({ length: 1 + Number(random(20n)) }, (_, index) => {
      const true_ns = BigInt(index + 1) * 1_000_000n + random(900_000n);
      const exact = exchange(true_ns, random(300_000n), random(300_000n));
      const down = true_ns - (true_ns % RESOLUTION_NS);
      const rounded = random(2n) === 0n ? down : down + RESOLUTION_NS;
      return { ...exact, page_ns: rounded };
    });
    const { offset_ns, error_ns } = clock_offset(exchanges);
    const off_ns = offset_ns > OFFSET_NS ? offset_ns - OFFSET_NS : OFFSET_NS - offset_ns;
    assert.ok(off_ns <= error_ns, `${off_ns} ns off, error ${error_ns} ns`);
  }
});

test("clocks that drift apart are an error", () => {
  const early = exchange(1_000_000n, 10_000n, 10_000n);
  const late = exchange(2_000_000_000n, 10_000n, 10_000n);
  const gone = { ...late, page_ns: late.page_ns + 50_000n };
  assert.throws(() => clock_offset([early, gone]), { code: "clocks_apart", fields: { apart_ns: 20_000n } });
  assert.throws(() => clock_offset([]), { code: "clock_not_read" });
});

test("a stamp is mapped exactly", () => {
  assert.equal(machine_ns(1_234_565_000, OFFSET_NS), 81_001_234_565_000);
});
