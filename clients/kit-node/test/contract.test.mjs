// The tables of the contract accept exactly the lines of the Rust types: a key that is
// added, renamed or removed there fails here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTRACT, READ, WRITTEN, format_line, parse_line, sum_counts } from '../contract.mjs';
import { check_plan } from '../plan.mjs';
import { LINES, plan } from '../testing/lines.mjs';

const text = (line) => JSON.stringify(line);
const without = (line, key) => Object.fromEntries(Object.entries(line).filter(([name]) => name !== key));
const fields = (line) => without(line, 'type');
const write = (line) => format_line(line.type, fields(line));
const sound = ({ all_keys, minimal, values }) => [all_keys, minimal, ...values];

test('version and types are those of the Rust workspace', () => {
  assert.equal(CONTRACT, LINES.contract);
  assert.deepEqual(Object.keys(READ).sort(), Object.keys(LINES.read).sort());
  assert.deepEqual(Object.keys(WRITTEN).sort(), Object.keys(LINES.written).sort());
});

for (const [type, lines] of Object.entries(LINES.read)) {
  test(`${type}: every line is read`, () => {
    for (const line of sound(lines)) assert.deepEqual(parse_line(text(line)), line);
  });

  test(`${type}: unknown and missing keys are refused`, () => {
    for (const line of lines.unknown_key) {
      assert.throws(() => parse_line(text(line)), { code: 'unknown_key' }, text(line));
    }
    for (const key of Object.keys(fields(lines.minimal))) {
      const line = text(without(lines.minimal, key));
      assert.throws(() => parse_line(line), { code: 'missing_key', fields: { type, key, line } });
    }
  });
}

for (const [type, lines] of Object.entries(LINES.written)) {
  test(`${type}: every line is written`, () => {
    for (const line of sound(lines)) assert.deepEqual(JSON.parse(write(line)), line);
  });

  test(`${type}: unknown and missing keys are not written`, () => {
    for (const line of lines.unknown_key) assert.throws(() => write(line), { code: 'unknown_key' });
    for (const key of Object.keys(fields(lines.minimal))) {
      assert.throws(() => write(without(lines.minimal, key)), { code: 'missing_key' });
    }
  });
}

const refused = (code, key, changes) => [code, key, text(plan(changes))];
const REFUSED = [
  refused('other_version', undefined, { contract: 1, surprise: 1 }),
  refused('wrong_kind', 'ca', { ca: 5 }),
  refused('wrong_kind', 'symbols', { symbols: '64' }),
  refused('wrong_kind', 'format', { format: 'xml' }),
  refused('wrong_kind', 'schedule', { schedule: { kind: 'toString' } }),
  refused('missing_key', 'schedule.rate_per_s', { schedule: { kind: 'rate' } }),
  refused('out_of_range', 'urls', { urls: [] }),
  refused('out_of_range', 'symbols', { symbols: 0 }),
  refused('out_of_range', 'sample.stride', { sample: { first: 0, stride: 0 } }),
  refused('out_of_range', 'receive_buffer_bytes', { receive_buffer_bytes: 0 }),
  ['not_json', undefined, 'hello?'],
  ['not_an_object', undefined, 'null'],
  ['unknown_type', undefined, text({ type: 'hello' })],
  ['unknown_type', undefined, text({ type: 'toString' })],
];

for (const [code, key, line] of REFUSED) {
  test(`a line is refused: ${code} ${key ?? ''}`, () => {
    assert.throws(() => parse_line(line), (error) => error.code === code && error.fields.key === key);
  });
}

const BAD_URLS = ['ws://example.com/', 'ws://localhost:1/', 'ws://127.0.0.1:99999/', 'wss://127.0.0.1:1/', 'ws://127.0.0.1:1'];

for (const url of BAD_URLS) {
  test(`a plan is refused: ${url}`, () => {
    assert.throws(() => check_plan(plan({ urls: [url] })), { code: 'bad_url' });
  });
}

test('a plan under TLS is for a client that speaks it', () => {
  const { all_keys } = LINES.read.plan;
  assert.throws(() => check_plan(all_keys), { code: 'tls_not_supported' });
  check_plan(all_keys, true);
});

test('an error about a line is one short line', () => {
  const line = `{"type":"plan","a\u001bb":"${'x'.repeat(1000)}\\u001b`;
  assert.throws(() => parse_line(line), ({ message }) => message.length < 300 && !/[\n\u001b]/.test(message));
});

test('counts are summed by the keys of the table', () => {
  const counts = without(without(fields(LINES.written.final.minimal), 'ended'), 'detail');
  const doubled = Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, 2 * count]));
  assert.deepEqual(sum_counts([counts, counts]), doubled);
  assert.ok(Object.values(sum_counts([])).every((count) => count === 0));
});

test('stamps beyond 2^53 are written exactly', () => {
  const stamp = 2n ** 60n + 1n;
  assert.ok(format_line('samples', { connection: 0, rows: [[1, stamp, stamp]] }).includes(`${stamp},${stamp}`));
});
