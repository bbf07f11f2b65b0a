// For benches of Node.js clients: the client itself, under the contract, beside a bare loop
// with the same library. Both read the same bytes over loopback.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plan } from './testing/lines.mjs';

const TICKS = 1_000_000;
const ROUNDS = 5;
const FRAME_BYTES = 30;
const CHUNK_BYTES = 256 << 10;
const CLOSE = Buffer.from([0x88, 2, 0x03, 0xe8]);
const CLOSE_OPCODE = 0x88;
/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Runs `own` (the command of a client) and `bare` (the command of a program that connects to
 * the URL that is its last argument and reads until it is closed) in turns. Prints the
 * median and the ratio of both, of the rate and of the CPU time, which is more reliable on a
 * machine with other load. Both are timed from the first byte sent to the answer to the
 * close frame.
 */
export async function compare_with_bare_loop(own, bare) {
  const directory = mkdtempSync('/dev/shm/loop-bench-');
  const frames = encode();
  const server = createServer();
  try {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${server.address().port}/ticks`;
    const meter = join(directory, 'meter');
    const times = { own: [], bare: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each goes first every other time.
      const order = round % 2 === 0 ? ['own', 'bare'] : ['bare', 'own'];
      for (const program of order) {
        writeFileSync(meter, Buffer.concat([Buffer.from('TICKMTR1'), Buffer.alloc(4088)]));
        const command = program === 'own' ? own : [...bare, url];
        const input = program === 'own' ? `${JSON.stringify(bench_plan(url, meter))}\n` : '';
        times[program].push(await time(server, frames, command, input));
      }
    }
    print(times);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
}

/** One program, from the first byte sent to its close frame: seconds, and seconds of CPU. */
async function time(server, frames, command, input) {
  const spent = new Promise((resolve) => {
    const read_clocks = () => [Number(process.hrtime.bigint()) / 1e9, cpu_seconds(child.pid)];
    server.once('connection', (socket) => serve(socket, frames, read_clocks, resolve));
  });
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  let last_line = '';
  createInterface({ input: child.stdout }).on('line', (line) => (last_line = line));
  child.stdin.write(input);
  const exit = new Promise((resolve) => child.once('close', resolve));
  const early = exit.then((code) => {
    throw new Error(`\`${command.join(' ')}\` ended with ${code}: ${last_line}`);
  });
  early.catch(() => {});
  const spans = await Promise.race([spent, early]);
  child.stdin.end();
  const code = await exit;
  const has_all_ticks = () => input === '' || JSON.parse(last_line).processed === TICKS;
  if (code !== 0 || !has_all_ticks()) throw new Error(`\`${command.join(' ')}\` failed: ${last_line}`);
  return spans;
}

function serve(socket, frames, read_clocks, resolve) {
  let begin;
  socket.setNoDelay(true);
  socket.on('error', () => {}); // a program that ends early is noticed by its exit
  socket.on('data', async (bytes) => {
    if (begin === undefined) {
      socket.write(handshake_answer(bytes.toString('latin1')));
      begin = read_clocks();
      for (let at = 0; at < frames.length; at += CHUNK_BYTES) {
        const has_room = socket.write(frames.subarray(at, at + CHUNK_BYTES));
        if (!has_room) await new Promise((drained) => socket.once('drain', drained));
      }
      socket.write(CLOSE);
    } else if (bytes[0] === CLOSE_OPCODE) {
      resolve(read_clocks().map((end, clock) => end - begin[clock]));
      socket.end();
    }
  });
}

function handshake_answer(request) {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)[1];
  const accept = createHash('sha1').update(key + GUID).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

function encode() {
  const frames = Buffer.alloc(TICKS * FRAME_BYTES);
  for (let seq = 0; seq < TICKS; seq += 1) {
    const at = seq * FRAME_BYTES;
    frames[at] = 0x82;
    frames[at + 1] = FRAME_BYTES - 2;
    frames.writeUInt32LE((seq * 7) % 64, at + 2);
    frames.writeDoubleLE((10_000 + (seq % 90_000)) / 100, at + 6);
    frames.writeBigInt64LE(81_000_000_000_000n + BigInt(seq) * 1000n, at + 14);
    frames.writeBigUInt64LE(BigInt(seq), at + 22);
  }
  return frames;
}

const bench_plan = (url, meter) =>
  plan({ urls: [url], meter, sample: { first: 498, stride: 997 }, deadline_ms: 600_000 });

/** User and system time of a process, proc(5); 100 ticks a second on every Linux. */
function cpu_seconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function print(times) {
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const of = (program, clock) => times[program].map((spans) => spans[clock]);
  for (const program of Object.keys(times)) {
    const rates = of(program, 0).map((seconds) => TICKS / seconds / 1e6);
    const each = rates.map((rate) => rate.toFixed(3)).join(' ');
    const cpu_ns = (median(of(program, 1)) / TICKS) * 1e9;
    console.log(
      `${program.padEnd(5)} ${median(rates).toFixed(3)} M ticks/s (median of ${each}), ${cpu_ns.toFixed(0)} ns of CPU per tick`,
    );
  }
  const ratio = (clock) => (median(of('bare', clock)) / median(of('own', clock))).toFixed(3);
  console.log(`the client reaches ${ratio(0)} of the bare loop's rate; by CPU time ${ratio(1)}`);
}
