// A client on the kit as a process: what it refuses, and that it stops however busy it is.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ContractError, RunError } from '../errors.mjs';
import { assert_written_line, plan } from '../testing/lines.mjs';

const CLIENT = fileURLToPath(new URL('../testing/busy.mjs', import.meta.url));
const PLAN = plan({
  sample: { first: 3, stride: 100_003 },
  memory_ceiling_bytes: 2 ** 33,
});

/** Starts a client and writes this text to its stdin. */
function client(input, env = {}) {
  const child = spawn(process.execPath, [CLIENT], { env: { ...process.env, ...env } });
  const lines = [];
  let message = '';
  const stdout = createInterface({ input: child.stdout });
  stdout.on('line', (text) => {
    const line = JSON.parse(text);
    assert_written_line(line);
    lines.push(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (message += text));
  child.stdin.on('error', () => {}); // it may have ended already
  child.stdin.write(input);
  const exit = new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, lines, message: message.trim() }));
  });
  const written = (type) =>
    new Promise((resolve) => {
      const check = () => lines.some((line) => line.type === type) && resolve();
      stdout.on('line', check);
      check();
    });
  return { stdin: child.stdin, stdout: child.stdout, exit, written };
}

const line = (value) => `${JSON.stringify(value)}\n`;

const unreadable = (code, fields, value) => [line(value), code, { ...fields, line: JSON.stringify(value) }];
const REFUSED = [
  [line({ ...PLAN, contract: 1 }), 'other_version', { theirs: 1, ours: 2 }],
  unreadable('unknown_key', { type: 'plan', key: 'surprise' }, { ...PLAN, surprise: 1 }),
  [line({ ...PLAN, symbols: 0 }), 'out_of_range', { type: 'plan', key: 'symbols', found: 0, least: 1, most: 2 ** 20 }],
  [line({ ...PLAN, urls: ['ws://localhost:1/'] }), 'bad_url', { url: 'ws://localhost:1/', scheme: 'ws://' }],
  [line({ ...PLAN, urls: ['wss://127.0.0.1:1/'], ca: 'ca' }), 'tls_not_supported'],
  [line({ ...PLAN, meter: '/dev/null' }), 'bad_meter', { detail: 'not a meter file' }],
  ['null\n', 'not_an_object', { line: 'null' }],
  [line({ type: 'stop' }), 'stop_before_plan'],
  ['', 'no_plan'],
];

for (const [input, code, fields] of REFUSED) {
  test(`a plan is refused with exit code 2 and one line: ${code}`, async () => {
    const { stdin, exit } = client(input);
    stdin.end();
    const { message } = new ContractError(code, fields);
    assert.deepEqual(await exit, { code: 2, lines: [], message });
  });
}

const ENDED_BY = {
  stopped: [{}, ({ stdin }) => stdin.write(line({ type: 'stop' }))],
  'stopped ': [{}, ({ stdin }) => stdin.end()],
  deadline: [{ deadline_ms: 700 }, () => {}],
  memory_ceiling: [{ memory_ceiling_bytes: 1 }, () => {}],
};

for (const [ended, [changes, then]] of Object.entries(ENDED_BY)) {
  for (const work_ns of [0, 20_000_000]) {
    test(`a client that blocks its event loop with ${work_ns} ns of work per tick ends: ${ended}`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'kit-node-'));
      try {
        const meter = join(directory, 'meter');
        writeFileSync(meter, Buffer.concat([Buffer.from('TICKMTR1'), Buffer.alloc(4088)]));
        const busy = client(line({ ...PLAN, ...changes, work_ns, meter }), { TEST_QUEUE: 'unbounded' });
        await busy.written('ready');
        then(busy);
        const { code, lines, message } = await busy.exit;
        assert.equal(code, 0, message);
        const report = lines.at(-1);
        assert.deepEqual([report.type, report.ended, report.detail], ['final', ended.trim(), null]);
        assert.equal(report.received, report.processed);
        assert.equal(report.checksum, report.processed * 10_000);
        const counts = readFileSync(meter);
        assert.equal(counts.readBigUInt64LE(64), BigInt(report.received));
        assert.equal(counts.readBigUInt64LE(128), BigInt(report.processed));
        assert.equal(lines.slice(2, -1).flatMap(({ rows }) => rows).length,
          Math.ceil(Math.max(0, report.processed - 3) / 100_003));
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
}

test('a report larger than a pipe is complete, however late it is read', async () => {
  const busy = client(line({ ...PLAN, sample: { first: 0, stride: 3 } }));
  await busy.written('ready');
  busy.stdout.pause();
  busy.stdin.end();
  setImmediate(() => busy.stdout.resume());
  const { code, lines, message } = await busy.exit;
  assert.equal(code, 0, message);
  const rows = lines.slice(2, -1).flatMap((samples) => samples.rows);
  assert.equal(rows.length, Math.ceil(lines.at(-1).processed / 3));
  assert.ok(rows.every(([seq, received, processed], at) => seq === 3 * at && received <= processed));
});

test('a client that is stopped before it is connected reports zeros', async () => {
  const stuck = client(line(PLAN) + line({ type: 'stop' }), { TEST_CLIENT: 'stuck' });
  const { code, lines } = await stuck.exit;
  assert.equal(code, 0);
  assert.deepEqual([lines[0].type, lines[1].ended, lines[1].received], ['hello', 'stopped', 0]);
});

test('a client that does not connect in time fails with a message', async () => {
  const stuck = client(line({ ...PLAN, connect_deadline_ms: 100 }), { TEST_CLIENT: 'stuck' });
  const { code, lines, message } = await stuck.exit;
  assert.deepEqual([code, lines.length], [1, 1]);
  assert.equal(message, new RunError('connect_deadline', { urls: PLAN.urls, ms: 100 }).message);
});

test('a second plan is a fault', async () => {
  const { code, message } = await client(line(PLAN) + line(PLAN), { TEST_CLIENT: 'stuck' }).exit;
  assert.deepEqual([code, message], [1, new ContractError('second_plan').message]);
});

test('a plan with a receive buffer makes the client unavailable', async () => {
  const { code, lines } = await client(line({ ...PLAN, receive_buffer_bytes: 65536 })).exit;
  assert.deepEqual([code, lines.length, lines[1].type], [0, 2, 'unavailable']);
});
