// The taker against the wire of the Rust workspace, and against a plain model
// of the contract's definitions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_STAMP, Taker } from '../taker.mjs';
import { read_fixture } from '../testing/lines.mjs';

const fixture = read_fixture('ticks.json');
const FORMATS = Object.keys(fixture.payloads);
const is_text = (format) => format.endsWith('json');

/** A clock that goes on by one with each look. */
function counter() {
  let now = 0;
  return () => (now += 1);
}

function taker(plan = {}, clock = counter()) {
  const sample = { first: 0, stride: 1 };
  return new Taker({ format: 'binary', symbols: 64, sample, work_ns: 0, ...plan }, clock);
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
function chance(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

/** The definitions of the contract, as slowly as they are written there. */
function model(words, { first, stride }) {
  const seen = new Set();
  let highest = -1;
  const books = { received: words.length, processed: 0, gaps: 0, duplicates: 0, reorders: 0, undecodable: 0, checksum: 0 };
  for (const seq of words) {
    if (seq === null) {
      books.undecodable += 1;
      continue;
    }
    books.processed += 1;
    books.checksum += 10000 + seq;
    if (seen.has(seq)) books.duplicates += 1;
    else if (seq < highest) books.reorders += 1;
    seen.add(seq);
    highest = Math.max(highest, seq);
  }
  books.gaps = highest + 1 - seen.size;
  const sampled = [...seen].filter((seq) => seq >= first && (seq - first) % stride === 0);
  return [books, sampled.sort((a, b) => a - b)];
}

/** Mostly whole streams with some disorder, sometimes nothing but disorder. */
function stream(pick) {
  if (pick(4) === 0) {
    return Array.from({ length: pick(100) }, () => (pick(10) === 0 ? null : pick(40)));
  }
  const words = Array.from({ length: 1 + pick(400) }, (_, seq) => seq);
  for (let accidents = pick(12); accidents > 0; accidents -= 1) {
    const at = pick(words.length + 1);
    const kind = pick(3);
    if (kind === 0) words.splice(at, 1);
    else words.splice(at, 0, kind === 1 ? null : pick(500));
  }
  return words;
}

const payload = (seq) =>
  seq === null ? new Uint8Array(7) : binary({ price: 100 + seq / 100, seq });

for (const format of FORMATS) {
  test(`${format}: every tick is read as it was written`, () => {
    const { ticks, payloads, checksum } = fixture;
    const sound = taker({ format });
    for (const text of payloads[format]) sound.take(is_text(format) ? text : Buffer.from(text, 'hex'));
    const has_seq = !format.startsWith('classic');
    assert.equal(sound.processed, ticks.length);
    assert.equal(sound.undecodable, 0);
    assert.equal(sound.checksum, checksum);
    const seqs = ticks.map(({ seq }, count) => (has_seq ? seq : count));
    assert.deepEqual(sound.rows().map((row) => row[0]), seqs);
    assert.equal(sound.sequence.gaps, has_seq ? seqs.at(-1) + 1 - seqs.length : 0);
    const last = new Map(ticks.map(({ symbol, cents }) => [symbol, cents / 100]));
    for (const [symbol, price] of last) assert.equal(sound.last_prices[symbol], price);
  });

  test(`${format}: what is no tick is counted, and nothing else`, () => {
    const sound = taker({ format });
    const [tick] = fixture.payloads[format];
    const odd = is_text(format)
      ? ['', '{', 'null', '[]', '7', tick.replace('}', ',"more":1}'), tick.replace('"ts"', '"st"'),
         tick.replace(/"symbol":\d+/, '"symbol":64'), tick.replace(/"symbol":\d+/, '"symbol":-1'),
         tick.replace(/"price":[\d.]+/, '"price":"1"'), tick.replace(/"ts":\d+/, '"ts":0.5'),
         tick.replace(/"price":[\d.]+/, '"price":null'), Buffer.from(tick)]
      : [new Uint8Array(0), Buffer.from(tick, 'hex').subarray(1), Buffer.from(`${tick}00`, 'hex'),
         Buffer.alloc(tick.length / 2, 0xff), tick, '{}'];
    for (const message of odd) sound.take(message);
    assert.deepEqual(sound.books(), { ...model([], { first: 0, stride: 1 })[0],
      received: odd.length, undecodable: odd.length });
    assert.deepEqual(sound.rows(), []);
    sound.take(is_text(format) ? tick : Buffer.from(tick, 'hex'));
    assert.equal(sound.processed, 1);
  });
}

test('rare values are refused and not computed with', () => {
  const careful = taker();
  for (const odd of [{ seq: 2n ** 64n - 1n }, { symbol: 64 }, { symbol: 2 ** 32 - 1 }, { price: NaN }, { price: Infinity }]) {
    careful.take_binary(binary(odd));
  }
  assert.equal(careful.undecodable, 5);
  assert.equal(careful.processed, 0);
});

test('an ArrayBuffer, and bytes within a larger one, are read alike', () => {
  const sound = taker();
  sound.take_binary(binary({ seq: 0 }).buffer);
  const large = new Uint8Array(64);
  large.set(binary({ seq: 1 }), 13);
  sound.take_binary(large.subarray(13, 41));
  assert.deepEqual([sound.processed, sound.sequence.next, sound.checksum], [2, 2, 20050]);
});

test('any stream, straight from the library, is counted as the contract says', () => {
  for (let seed = 0; seed < 400; seed += 1) {
    const pick = chance(seed);
    const sample = { first: pick(10), stride: 1 + pick(11) };
    const words = stream(pick);
    const straight = taker({ sample });
    for (const word of words) straight.take_binary(payload(word));
    const [books, sampled] = model(words, sample);
    assert.deepEqual(straight.books(), books, `seed ${seed}`);
    assert.deepEqual(straight.rows().map((row) => row[0]), sampled, `seed ${seed}`);
    assert.ok(straight.rows().every((row) => row[1] < row[2]), `seed ${seed}`);
  }
});

test('any stream through a queue is counted as the contract says', () => {
  for (let seed = 1000; seed < 1400; seed += 1) {
    const pick = chance(seed);
    const sample = { first: pick(10), stride: 1 + pick(11) };
    const words = stream(pick);
    const lag = pick(20);
    const queued = taker({ sample });
    const queue = [];
    const work = () => queued.work_binary(...queue.shift());
    for (const word of words) {
      queue.push([payload(word), queued.arrive()]);
      if (queue.length > lag) work();
    }
    while (queue.length > 0) work();
    const [books, sampled] = model(words, sample);
    assert.deepEqual(queued.books(), books, `seed ${seed}`);
    assert.deepEqual(queued.rows().map((row) => row[0]), sampled, `seed ${seed}`);
  }
});

test('in a whole stream each stamp is taken where its message arrives', () => {
  const sample = { first: 2, stride: 5 };
  const queued = taker({ sample });
  const stamps = Array.from({ length: 100 }, () => queued.arrive());
  assert.deepEqual(stamps.flatMap((stamp, seq) => (stamp === NO_STAMP ? [] : [seq])),
    Array.from({ length: 20 }, (_, index) => 2 + 5 * index));
  stamps.forEach((stamp, seq) => queued.work_binary(payload(seq), stamp));
  assert.ok(queued.rows().every((row) => row[1] <= 20 && row[2] > 20));
});

test('work takes its time between the stamps, and on every tick', () => {
  let [now, looks] = [0, 0];
  const clock = () => {
    looks += 1;
    return (now += 100);
  };
  const busy = taker({ work_ns: 1000, sample: { first: 1, stride: 2 } }, clock);
  for (let seq = 0; seq < 4; seq += 1) busy.take_binary(payload(seq));
  assert.equal(busy.rows().length, 2);
  assert.ok(busy.rows().every((row) => row[2] - row[1] >= 1000));
  assert.ok(looks >= 4 * 10);
});

test('more stamps than one piece holds keep their order', () => {
  const many = taker();
  for (let seq = 0; seq < 10_000; seq += 1) many.take_binary(payload(seq));
  assert.ok(many.rows().every((row, at) => row[0] === at && row[2] === row[1] + 1));
  assert.equal(many.rows().length, 10_000);
});
