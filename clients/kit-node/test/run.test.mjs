// A client of the kit as a process: what it refuses, and that it ends when it
// is told to, however busy it is.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const CLIENT = fileURLToPath(new URL('../testing/busy.mjs', import.meta.url));
const PLAN = {
  type: 'plan',
  contract: 2,
  urls: ['ws://127.0.0.1:1/ticks'],
  format: 'binary',
  symbols: 64,
  schedule: { kind: 'flood' },
  duration_ns: 1_000_000_000,
  sample: { first: 3, stride: 100_003 },
  work_ns: 0,
  queue_bound: 256,
  receive_buffer_bytes: null,
  memory_ceiling_bytes: 2 ** 33,
  meter: null,
  connect_deadline_ms: 60_000,
  deadline_ms: 60_000,
};

/** Starts a client, and tells it these words. */
function client(words, env = {}) {
  const child = spawn(process.execPath, [CLIENT], { env: { ...process.env, ...env } });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
  child.stdin.on('error', () => {}); // it may have hung up already
  child.stdin.write(words);
  const exit = new Promise((resolve) => {
    child.on('close', (code) => {
      const lines = said.out.split('\n').filter((line) => line !== '');
      resolve({ code, lines: lines.map((line) => JSON.parse(line)), words: said.err.trim() });
    });
  });
  const heard = (type) =>
    new Promise((resolve) => {
      const look = () => said.out.includes(`"type":"${type}"`) && resolve();
      child.stdout.on('data', look);
      look();
    });
  return { stdin: child.stdin, stdout: child.stdout, exit, heard };
}

const line = (value) => `${JSON.stringify(value)}\n`;

const REFUSED = [
  [line({ ...PLAN, contract: 1 }), 'contract version 1, but this program speaks version 2'],
  [line({ ...PLAN, surprise: 1 }), 'surprise'],
  [line({ ...PLAN, urls: ['ws://example.com/'] }), 'plan: urls'],
  [line({ ...PLAN, urls: ['ws://localhost:1/'] }), 'plan: urls'],
  [line({ ...PLAN, urls: ['ws://127.0.0.1:99999/'] }), 'plan: urls'],
  [line({ ...PLAN, urls: ['wss://127.0.0.1:1/'] }), 'plan: urls'],
  [line({ ...PLAN, urls: ['wss://127.0.0.1:1/'], ca: 'ca' }), 'plan: ca: this client speaks no TLS'],
  [line({ ...PLAN, ca: 5 }), '`ca`'],
  [line({ ...PLAN, urls: [] }), 'plan: urls is 0'],
  [line({ ...PLAN, symbols: 0 }), 'plan: symbols is 0'],
  [line({ ...PLAN, symbols: '64' }), '`symbols`'],
  [line({ ...PLAN, sample: { first: 0, stride: 0 } }), 'plan: sample.stride is 0'],
  [line({ ...PLAN, schedule: { kind: 'rate' } }), 'rate_per_s'],
  [line({ ...PLAN, meter: '/dev/null' }), 'plan: meter'],
  [line({ ...PLAN, deadline_ms: undefined }), 'deadline_ms'],
  ['hello?\n', 'not a contract line'],
  ['null\n', 'not a contract line'],
  [line({ type: 'stop' }), '`stop` came before a plan'],
  ['', 'no plan on stdin'],
];

for (const [words, expected] of REFUSED) {
  test(`refused: ${expected}`, async () => {
    const { stdin, exit } = client(words);
    stdin.end();
    const { code, lines, words: last } = await exit;
    assert.deepEqual([code, lines], [2, []], last);
    assert.ok(last.includes(expected) && !last.includes('\n'), last);
  });
}

const ENDED_BY = {
  stopped: [{}, ({ stdin }) => stdin.write(line({ type: 'stop' }))],
  'stopped ': [{}, ({ stdin }) => stdin.end()],
  deadline: [{ deadline_ms: 700 }, () => {}],
  memory_ceiling: [{ memory_ceiling_bytes: 1 }, () => {}],
};

for (const [ended, [plan, then]] of Object.entries(ENDED_BY)) {
  for (const work_ns of [0, 20_000_000]) {
    test(`${ended}: a client that never rests, with ${work_ns} ns of work`, async () => {
      const room = mkdtempSync(join(tmpdir(), 'kit-node-'));
      try {
        const meter = join(room, 'meter');
        writeFileSync(meter, Buffer.concat([Buffer.from('TICKMTR1'), Buffer.alloc(4088)]));
        const busy = client(line({ ...PLAN, ...plan, work_ns, meter }), { TEST_QUEUE: 'unbounded' });
        await busy.heard('ready');
        then(busy);
        const { code, lines, words } = await busy.exit;
        assert.equal(code, 0, words);
        const books = lines.at(-1);
        assert.deepEqual([books.type, books.ended, books.detail], ['final', ended.trim(), null]);
        assert.equal(books.received, books.processed);
        assert.equal(books.checksum, books.processed * 10_000);
        const counts = readFileSync(meter);
        assert.equal(counts.readBigUInt64LE(64), BigInt(books.received));
        assert.equal(counts.readBigUInt64LE(128), BigInt(books.processed));
        assert.equal(lines.slice(2, -1).flatMap(({ rows }) => rows).length,
          Math.ceil(Math.max(0, books.processed - 3) / 100_003));
      } finally {
        rmSync(room, { recursive: true });
      }
    });
  }
}

test('a report larger than a pipe is whole, however late it is read', async () => {
  const busy = client(line({ ...PLAN, sample: { first: 0, stride: 3 } }));
  await busy.heard('ready');
  busy.stdout.pause();
  busy.stdin.end();
  setImmediate(() => busy.stdout.resume());
  const { code, lines, words } = await busy.exit;
  assert.equal(code, 0, words);
  const rows = lines.slice(2, -1).flatMap((samples) => samples.rows);
  assert.equal(rows.length, Math.ceil(lines.at(-1).processed / 3));
  assert.ok(rows.every(([seq, received, processed], at) => seq === 3 * at && received <= processed));
});

test('a client that is stopped before it is connected reports nothing', async () => {
  const stuck = client(line(PLAN) + line({ type: 'stop' }), { TEST_CLIENT: 'stuck' });
  const { code, lines } = await stuck.exit;
  assert.equal(code, 0);
  assert.deepEqual([lines[0].type, lines[1].ended, lines[1].received], ['hello', 'stopped', 0]);
});

test('a client that does not connect in time says so', async () => {
  const stuck = client(line({ ...PLAN, connect_deadline_ms: 100 }), { TEST_CLIENT: 'stuck' });
  const { code, lines, words } = await stuck.exit;
  assert.deepEqual([code, lines.length], [1, 1]);
  assert.equal(words, 'not connected to ws://127.0.0.1:1/ticks within 100 ms');
});

test('a second plan is a fault', async () => {
  const { code, words } = await client(line(PLAN) + line(PLAN), { TEST_CLIENT: 'stuck' }).exit;
  assert.deepEqual([code, words], [1, 'a second plan on stdin']);
});

test('a plan that Node cannot carry out is declined', async () => {
  const { code, lines } = await client(line({ ...PLAN, receive_buffer_bytes: 65536 })).exit;
  assert.deepEqual([code, lines.length, lines[1].type], [0, 2, 'unavailable']);
});
