// For benches of Node clients: the client itself, under the contract, beside a
// bare loop with the same library. Both read the same bytes over loopback.

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
const PIECE_BYTES = 256 << 10;
const CLOSE = Buffer.from([0x88, 2, 0x03, 0xe8]);
const CLOSE_OPCODE = 0x88;
/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Runs `own` (the words that start a client) and `bare` (those of a program that
 * connects to the URL at their end and reads until it is closed) in turns, and
 * prints both medians and their ratio, of the rate and of the CPU time, which
 * tells more on a machine that does other things. Both from the first byte that
 * is sent to the answer to the close frame.
 */
export async function race(own, bare) {
  const room = mkdtempSync('/dev/shm/race-');
  const frames = encode();
  const sender = createServer();
  try {
    await new Promise((resolve) => sender.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${sender.address().port}/ticks`;
    const meter = join(room, 'meter');
    const times = { own: [], bare: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each goes first every other time.
      const order = round % 2 === 0 ? ['own', 'bare'] : ['bare', 'own'];
      for (const who of order) {
        writeFileSync(meter, Buffer.concat([Buffer.from('TICKMTR1'), Buffer.alloc(4088)]));
        const words = who === 'own' ? own : [...bare, url];
        const said = who === 'own' ? `${JSON.stringify(race_plan(url, meter))}\n` : '';
        times[who].push(await time(sender, frames, words, said));
      }
    }
    print(times);
  } finally {
    sender.close();
    rmSync(room, { recursive: true });
  }
}

/** One program, from the first byte that it is sent to its goodbye: seconds, and of CPU. */
async function time(sender, frames, words, said) {
  const spent = new Promise((resolve) => {
    const look = () => [Number(process.hrtime.bigint()) / 1e9, cpu_seconds(child.pid)];
    sender.once('connection', (socket) => serve(socket, frames, look, resolve));
  });
  const child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  let last = '';
  createInterface({ input: child.stdout }).on('line', (line) => (last = line));
  child.stdin.write(said);
  const exit = new Promise((resolve) => child.once('close', resolve));
  const early = exit.then((code) => {
    throw new Error(`\`${words.join(' ')}\` ended with ${code}: ${last}`);
  });
  early.catch(() => {});
  const spans = await Promise.race([spent, early]);
  child.stdin.end();
  const code = await exit;
  const is_whole = () => said === '' || JSON.parse(last).processed === TICKS;
  if (code !== 0 || !is_whole()) throw new Error(`\`${words.join(' ')}\` failed: ${last}`);
  return spans;
}

function serve(socket, frames, look, resolve) {
  let begin;
  socket.setNoDelay(true);
  socket.on('error', () => {}); // a child that ends early is noticed by its exit
  socket.on('data', async (bytes) => {
    if (begin === undefined) {
      socket.write(answer(bytes.toString('latin1')));
      begin = look();
      for (let at = 0; at < frames.length; at += PIECE_BYTES) {
        const is_room = socket.write(frames.subarray(at, at + PIECE_BYTES));
        if (!is_room) await new Promise((drained) => socket.once('drain', drained));
      }
      socket.write(CLOSE);
    } else if (bytes[0] === CLOSE_OPCODE) {
      resolve(look().map((end, clock) => end - begin[clock]));
      socket.end();
    }
  });
}

function answer(request) {
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

const race_plan = (url, meter) =>
  plan({ urls: [url], meter, sample: { first: 498, stride: 997 }, deadline_ms: 600_000 });

/** User and system time of a process, proc(5); a hundred to the second, on every Linux. */
function cpu_seconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function print(times) {
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const clock = (who, at) => times[who].map((spans) => spans[at]);
  for (const who of Object.keys(times)) {
    const rates = clock(who, 0).map((seconds) => TICKS / seconds / 1e6);
    const each = rates.map((rate) => rate.toFixed(3)).join(' ');
    const cpu_ns = (median(clock(who, 1)) / TICKS) * 1e9;
    console.log(
      `${who.padEnd(5)} ${median(rates).toFixed(3)} M ticks/s, the median of ${each}; ${cpu_ns.toFixed(0)} ns of CPU per tick`,
    );
  }
  const ratio = (at) => (median(clock('bare', at)) / median(clock('own', at))).toFixed(3);
  console.log(`ratio ${ratio(0)} of the bare loop's rate; by CPU time ${ratio(1)}`);
}
