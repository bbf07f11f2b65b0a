// The processor reads what the Rust workspace encoded, and counts as a plain model of the
// contract's definitions does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_STAMP, Processor } from '../processor.mjs';
import { read_fixture } from '../testing/lines.mjs';

const fixture = read_fixture('ticks.json');
const FORMATS = Object.keys(fixture.payloads);
const is_text = (format) => format.endsWith('json');

/** A clock that advances by one with each reading. */
function counter() {
  let now = 0;
  return () => (now += 1);
}

function processor(plan = {}, clock = counter()) {
  const sample = { first: 0, stride: 1 };
  return new Processor({ format: 'binary', symbols: 64, sample, work_ns: 0, ...plan }, clock);
}

function binary({ symbol = 1, price = 100.25, ts = 5n, seq = 0n }) {
  const view = new DataView(new ArrayBuffer(28));
  view.setUint32(0, symbol, true);
  view.setFloat64(4, price, true);
  view.setBigInt64(12, ts, true);
  view.setBigUint64(20, BigInt(seq), true);
  return new Uint8Array(view.buffer);
}

/** A generator of numbers below `end`; the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

/** The definitions of the contract, written down plainly: the counts, and the sampled seqs. */
function model(seqs, { first, stride }) {
  const seen = new Set();
  let highest = -1;
  const counts = { received: seqs.length, processed: 0, gaps: 0, duplicates: 0, reorders: 0, undecodable: 0, checksum: 0 };
  for (const seq of seqs) {
    if (seq === null) {
      counts.undecodable += 1;
      continue;
    }
    counts.processed += 1;
    counts.checksum += 10000 + seq;
    if (seen.has(seq)) counts.duplicates += 1;
    else if (seq < highest) counts.reorders += 1;
    seen.add(seq);
    highest = Math.max(highest, seq);
  }
  counts.gaps = highest + 1 - seen.size;
  const sampled = [...seen].filter((seq) => seq >= first && (seq - first) % stride === 0);
  return [counts, sampled.sort((a, b) => a - b)];
}

/** Seqs of a stream; null is a message that is no tick. Mostly in order with a few faults, sometimes random. */
function stream(pick) {
  if (pick(4) === 0) {
    return Array.from({ length: pick(100) }, () => (pick(10) === 0 ? null : pick(40)));
  }
  const seqs = Array.from({ length: 1 + pick(400) }, (_, seq) => seq);
  for (let faults = pick(12); faults > 0; faults -= 1) {
    const at = pick(seqs.length + 1);
    const kind = pick(3);
    if (kind === 0) seqs.splice(at, 1);
    else seqs.splice(at, 0, kind === 1 ? null : pick(500));
  }
  return seqs;
}

const payload = (seq) =>
  seq === null ? new Uint8Array(7) : binary({ price: 100 + seq / 100, seq });

for (const format of FORMATS) {
  test(`${format}: every tick is decoded as it was encoded`, () => {
    const { ticks, payloads, checksum } = fixture;
    const tested = processor({ format });
    for (const text of payloads[format]) tested.process(is_text(format) ? text : Buffer.from(text, 'hex'));
    const has_seq = !format.startsWith('classic');
    assert.equal(tested.processed, ticks.length);
    assert.equal(tested.undecodable, 0);
    assert.equal(tested.checksum, checksum);
    const seqs = ticks.map(({ seq }, count) => (has_seq ? seq : count));
    assert.deepEqual(tested.rows().map((row) => row[0]), seqs);
    assert.equal(tested.sequence.gaps, has_seq ? seqs.at(-1) + 1 - seqs.length : 0);
    const last = new Map(ticks.map(({ symbol, cents }) => [symbol, cents / 100]));
    for (const [symbol, price] of last) assert.equal(tested.last_prices[symbol], price);
  });

  test(`${format}: messages that are not ticks are undecodable, and nothing else is counted`, () => {
    const tested = processor({ format });
    const [tick] = fixture.payloads[format];
    const odd = is_text(format)
      ? ['', '{', 'null', '[]', '7', tick.replace('}', ',"more":1}'), tick.replace('"ts"', '"st"'),
         tick.replace(/"symbol":\d+/, '"symbol":64'), tick.replace(/"symbol":\d+/, '"symbol":-1'),
         tick.replace(/"price":[\d.]+/, '"price":"1"'), tick.replace(/"ts":\d+/, '"ts":0.5'),
         tick.replace(/"price":[\d.]+/, '"price":null'), Buffer.from(tick)]
      : [new Uint8Array(0), Buffer.from(tick, 'hex').subarray(1), Buffer.from(`${tick}00`, 'hex'),
         Buffer.alloc(tick.length / 2, 0xff), tick, '{}'];
    for (const message of odd) tested.process(message);
    assert.deepEqual(tested.counts(), { ...model([], { first: 0, stride: 1 })[0],
      received: odd.length, undecodable: odd.length });
    assert.deepEqual(tested.rows(), []);
    tested.process(is_text(format) ? tick : Buffer.from(tick, 'hex'));
    assert.equal(tested.processed, 1);
  });
}

test('impossible values are undecodable', () => {
  const careful = processor();
  for (const odd of [{ seq: 2n ** 64n - 1n }, { symbol: 64 }, { symbol: 2 ** 32 - 1 }, { price: NaN }, { price: Infinity }]) {
    careful.process_binary(binary(odd));
  }
  assert.equal(careful.undecodable, 5);
  assert.equal(careful.processed, 0);
});

test('an ArrayBuffer and a view into a larger one are read alike', () => {
  const tested = processor();
  tested.process_binary(binary({ seq: 0 }).buffer);
  const large = new Uint8Array(64);
  large.set(binary({ seq: 1 }), 13);
  tested.process_binary(large.subarray(13, 41));
  assert.deepEqual([tested.processed, tested.sequence.next, tested.checksum], [2, 2, 20050]);
});

test('any stream straight from the library is counted as in the model', () => {
  for (let seed = 0; seed < 400; seed += 1) {
    const pick = random(seed);
    const sample = { first: pick(10), stride: 1 + pick(11) };
    const seqs = stream(pick);
    const straight = processor({ sample });
    for (const seq of seqs) straight.process_binary(payload(seq));
    const [counts, sampled] = model(seqs, sample);
    assert.deepEqual(straight.counts(), counts, `seed ${seed}`);
    assert.deepEqual(straight.rows().map((row) => row[0]), sampled, `seed ${seed}`);
    assert.ok(straight.rows().every((row) => row[1] < row[2]), `seed ${seed}`);
  }
});

test('any stream through a queue is counted as in the model', () => {
  for (let seed = 1000; seed < 1400; seed += 1) {
    const pick = random(seed);
    const sample = { first: pick(10), stride: 1 + pick(11) };
    const seqs = stream(pick);
    const lag = pick(20);
    const queued = processor({ sample });
    const queue = [];
    const work = () => queued.process_queued_binary(...queue.shift());
    for (const seq of seqs) {
      queue.push([payload(seq), queued.count_message()]);
      if (queue.length > lag) work();
    }
    while (queue.length > 0) work();
    const [counts, sampled] = model(seqs, sample);
    assert.deepEqual(queued.counts(), counts, `seed ${seed}`);
    assert.deepEqual(queued.rows().map((row) => row[0]), sampled, `seed ${seed}`);
  }
});

test('without gaps each stamp is taken where its message is received', () => {
  const sample = { first: 2, stride: 5 };
  const queued = processor({ sample });
  const stamps = Array.from({ length: 100 }, () => queued.count_message());
  assert.deepEqual(stamps.flatMap((stamp, seq) => (stamp === NO_STAMP ? [] : [seq])),
    Array.from({ length: 20 }, (_, index) => 2 + 5 * index));
  stamps.forEach((stamp, seq) => queued.process_queued_binary(payload(seq), stamp));
  assert.ok(queued.rows().every((row) => row[1] <= 20 && row[2] > 20));
});

test('work is done on every tick, between its stamps', () => {
  let [now, readings] = [0, 0];
  const clock = () => {
    readings += 1;
    return (now += 100);
  };
  const busy = processor({ work_ns: 1000, sample: { first: 1, stride: 2 } }, clock);
  for (let seq = 0; seq < 4; seq += 1) busy.process_binary(payload(seq));
  assert.equal(busy.rows().length, 2);
  assert.ok(busy.rows().every((row) => row[2] - row[1] >= 1000));
  assert.ok(readings >= 4 * 10);
});

test('more stamps than one block holds keep their order', () => {
  const many = processor();
  for (let seq = 0; seq < 10_000; seq += 1) many.process_binary(payload(seq));
  assert.ok(many.rows().every((row, at) => row[0] === at && row[2] === row[1] + 1));
  assert.equal(many.rows().length, 10_000);
});
