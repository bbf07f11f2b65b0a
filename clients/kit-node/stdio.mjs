// Lines on stdin, as they come or, while the event loop is blocked, when they are asked
// for; and writing to stdout and stderr without the event loop.

import { fstatSync, readSync, writeSync } from 'node:fs';
import { ContractError, one_line } from './errors.mjs';

/** A longer line is an error. */
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 10;
const STDOUT = 1;
const STDERR = 2;
/** Between two attempts to write to a full pipe. */
const FULL_PIPE_MS = 1;
const never_notified = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes all of it before it returns. `process.stdout` would not: it leaves what
 * a pipe does not take at once to the event loop, and an exit cuts it off.
 */
export function write_stdout(text) {
  write(STDOUT, text);
}

/** The same to stderr, as one line. */
export function write_stderr(message) {
  write(STDERR, `${one_line(message)}\n`);
}

/** Ends the process with a last message on stderr. */
export function exit_with_message(message, code) {
  write_stderr(message);
  process.exit(code);
}

function write(fd, text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(never_notified, 0, 0, FULL_PIPE_MS);
    }
  }
}

/**
 * Calls `on_line(text)` for each line of stdin, and `on_line(null)` at its end.
 * A harness that died leaves a broken pipe, which means the same as its end.
 */
export class Stdin {
  constructor(on_line, on_fault) {
    this.on_line = on_line;
    this.on_fault = on_fault;
    this.chunks = [];
    this.chunk_bytes = 0;
    this.is_over = false;
    process.stdin.on('data', (bytes) => this.add(bytes));
    process.stdin.on('end', () => this.end());
    process.stdin.on('error', () => this.end());
    // Node.js makes pipes and sockets non-blocking; a read from anything else could block.
    const kind = fstatSync(0);
    this.can_poll = kind.isFIFO() || kind.isSocket();
    this.buffer = Buffer.alloc(4096);
  }

  /** Reads what has come, without waiting and without the event loop. */
  poll() {
    if (!this.can_poll || this.is_over) return;
    try {
      const bytes = readSync(0, this.buffer, 0, this.buffer.length, null);
      if (bytes === 0) this.end();
      else this.add(Buffer.from(this.buffer.subarray(0, bytes)));
    } catch (error) {
      if (error.code !== 'EAGAIN') this.end();
    }
  }

  add(bytes) {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.add_chunk(bytes.subarray(from, at));
      this.end_line();
      from = at + 1;
    }
    if (from < bytes.length) this.add_chunk(bytes.subarray(from));
  }

  add_chunk(bytes) {
    this.chunks.push(bytes);
    this.chunk_bytes += bytes.length;
    if (this.chunk_bytes > MAX_LINE_BYTES) {
      this.chunks = [];
      this.chunk_bytes = 0;
      this.on_fault(new ContractError('line_too_long', { most: MAX_LINE_BYTES }));
    }
  }

  end_line() {
    const line = Buffer.concat(this.chunks).toString('utf8');
    this.chunks = [];
    this.chunk_bytes = 0;
    this.on_line(line);
  }

  end() {
    if (this.is_over) return;
    this.is_over = true;
    if (this.chunk_bytes > 0) this.end_line();
    this.on_line(null);
  }
}
