// Lines on stdin, as they come or, while the event loop is kept from turning,
// when they are asked for; and words out, without the event loop.

import { fstatSync, readSync, writeSync } from 'node:fs';
import { ContractError, one_line } from './errors.mjs';

/** A longer line is an error. */
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 10;
const STDOUT = 1;
const STDERR = 2;
/** How long to wait for the reader of a full pipe before the next attempt. */
const FULL_PIPE_MS = 1;
const nothing = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes all of it before it returns. `process.stdout` would not: it leaves what
 * a pipe does not take at once to the event loop, and an exit cuts it off.
 */
export function say(text) {
  write(STDOUT, text);
}

/** The same to stderr, as one line. */
export function complain(words) {
  write(STDERR, `${one_line(words)}\n`);
}

function write(fd, text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(nothing, 0, 0, FULL_PIPE_MS);
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
    this.rest = [];
    this.rest_bytes = 0;
    this.is_over = false;
    process.stdin.on('data', (bytes) => this.feed(bytes));
    process.stdin.on('end', () => this.end());
    process.stdin.on('error', () => this.end());
    // Node makes pipes and sockets non-blocking; to read from anything else
    // could wait for ever.
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
      else this.feed(Buffer.from(this.buffer.subarray(0, bytes)));
    } catch (error) {
      if (error.code !== 'EAGAIN') this.end();
    }
  }

  feed(bytes) {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.keep(bytes.subarray(from, at));
      this.line();
      from = at + 1;
    }
    if (from < bytes.length) this.keep(bytes.subarray(from));
  }

  keep(bytes) {
    this.rest.push(bytes);
    this.rest_bytes += bytes.length;
    if (this.rest_bytes > MAX_LINE_BYTES) {
      this.rest = [];
      this.rest_bytes = 0;
      this.on_fault(new ContractError('line_too_long', { most: MAX_LINE_BYTES }));
    }
  }

  line() {
    const line = Buffer.concat(this.rest).toString('utf8');
    this.rest = [];
    this.rest_bytes = 0;
    this.on_line(line);
  }

  end() {
    if (this.is_over) return;
    this.is_over = true;
    if (this.rest_bytes > 0) this.line();
    this.on_line(null);
  }
}
