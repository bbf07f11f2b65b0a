// The work on each tick: what is measured besides socket, runtime and queue.
// It needs nothing of Node.js: it also runs in a page and in a Web Worker.

import { RunError } from './errors.mjs';
import { AFTER_GAP, DUPLICATE, Sequence } from './sequence.mjs';

/** The stamp of a message whose tick is not sampled. */
export const NO_STAMP = -1;

/** A higher seq is no exact number here, and no run has such a tick. */
const MAX_SEQ = Number.MAX_SAFE_INTEGER;
/** Bytes of a payload of the two binary formats. */
const BINARY_BYTES = 28;
const CLASSIC_BINARY_BYTES = 20;
/** Stamps are kept in blocks of this many rows, so that they are not moved. */
const BLOCK_ROWS = 4096;
/** No plan needs more rows; too small a stride would fill the memory. */
const MAX_ROWS = 1 << 22;

// Two u32 of the wire, read as one f64. Little-endian, as is every machine that runs a
// browser or Node.js today.
const halves = new Uint32Array(2);
const joined = new Float64Array(halves.buffer);

/**
 * Decodes, checks, counts and stamps the ticks of one connection, and does the work per tick.
 *
 * `plan` has the keys `format`, `symbols`, `sample` and `work_ns` of the contract.
 * `now_ns()` is the clock of the stamps: whole ns since any epoch, as an exact number
 * (below 2^53); it is read for sampled ticks only. `busy_ns()` is the clock for
 * `work_ns`, for runtimes where another clock is cheaper to read.
 *
 * A client without a queue calls `process_binary` and `process_text`. One with a queue
 * calls `count_message` where a message comes from its library, keeps the stamp with the
 * message, and later calls `process_queued_binary` or `process_queued_text` with both.
 */
export class Processor {
  constructor(plan, now_ns, busy_ns = now_ns) {
    this.is_text = plan.format === 'json' || plan.format === 'classic-json';
    this.has_seq = plan.format === 'binary' || plan.format === 'json';
    this.symbols = plan.symbols;
    this.work_ns = plan.work_ns;
    this.first = plan.sample.first;
    this.stride = plan.sample.stride;
    this.now_ns = now_ns;
    this.busy_ns = busy_ns;
    /** Messages taken from the library. */
    this.received = 0;
    /** Ticks decoded, checked and worked on. */
    this.processed = 0;
    /** Messages that are not ticks of the plan's format. */
    this.undecodable = 0;
    // In an array of doubles, as it soon exceeds what V8 keeps as an integer.
    this.sum = new Float64Array(1);
    this.last_prices = new Float64Array(plan.symbols);
    this.last_ts = new Float64Array(1);
    this.sequence = new Sequence();
    this.next_sample = this.first;
    // The seq that the next message to be received has if there are no gaps, and the next
    // such seq to be stamped: ahead of `sequence` by what is in a queue.
    this.next_received = 0;
    this.next_stamp = this.first;
    this.blocks = [];
    this.block = new Float64Array(0);
    this.used = 0;
    this.dropped = 0;
  }

  /** Processes a message straight from the library: a string is text, bytes are binary. */
  process(data) {
    if (typeof data === 'string') this.process_text(data);
    else this.process_binary(data);
  }

  /** Processes a binary message (Uint8Array, Buffer or ArrayBuffer) straight from the library. */
  process_binary(data) {
    this.process_queued_binary(data, this.count_message());
  }

  /** Processes a text message, a string, straight from the library. */
  process_text(text) {
    this.process_queued_text(text, this.count_message());
  }

  /** Counts a message that the library has handed over; its stamp travels with it. */
  count_message() {
    let stamp = NO_STAMP;
    if (this.next_received === this.next_stamp) {
      stamp = this.now_ns();
      this.next_stamp += this.stride;
    }
    this.next_received += 1;
    this.received += 1;
    return stamp;
  }

  /** Processes a binary message that `count_message` has counted. */
  process_queued_binary(data, stamp) {
    const length = this.has_seq ? BINARY_BYTES : CLASSIC_BINARY_BYTES;
    if (this.is_text || data.byteLength !== length) {
      this.refuse();
      return;
    }
    // Byte by byte: a DataView for each message costs more than all of this.
    const b = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    const symbol = (b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24)) >>> 0;
    halves[0] = b[4] | (b[5] << 8) | (b[6] << 16) | (b[7] << 24);
    halves[1] = b[8] | (b[9] << 8) | (b[10] << 16) | (b[11] << 24);
    const ts =
      ((b[12] | (b[13] << 8) | (b[14] << 16) | (b[15] << 24)) >>> 0) +
      (b[16] | (b[17] << 8) | (b[18] << 16) | (b[19] << 24)) * 4294967296;
    let seq = this.sequence.next;
    if (this.has_seq) {
      seq =
        ((b[20] | (b[21] << 8) | (b[22] << 16) | (b[23] << 24)) >>> 0) +
        ((b[24] | (b[25] << 8) | (b[26] << 16) | (b[27] << 24)) >>> 0) * 4294967296;
    }
    this.process_tick(symbol, joined[0], ts, seq, stamp);
  }

  /** Processes a text message that `count_message` has counted. */
  process_queued_text(text, stamp) {
    const tick = this.is_text ? parse(text) : undefined;
    if (tick === undefined || !has_tick_keys(tick, this.has_seq)) {
      this.refuse();
      return;
    }
    const seq = this.has_seq ? tick.seq : this.sequence.next;
    this.process_tick(tick.symbol, tick.price, tick.ts, seq, stamp);
  }

  /** The sum of the prices in cents over the processed ticks. */
  get checksum() {
    return this.sum[0];
  }

  /** The counts of this connection, but for `queued`. */
  counts() {
    const { gaps, duplicates, reorders } = this.sequence;
    const { received, processed, undecodable, checksum } = this;
    return { received, processed, gaps, duplicates, reorders, undecodable, checksum };
  }

  /**
   * The stamped ticks as [seq, received, processed], seqs ascending, in ns of
   * the clock `now_ns`. Throws when there was no room for some.
   */
  rows() {
    if (this.dropped > 0) {
      throw new RunError('too_many_samples', { dropped: this.dropped });
    }
    const rows = [];
    for (const block of this.blocks) {
      const end = block === this.block ? this.used : block.length;
      for (let at = 0; at < end; at += 3) rows.push([block[at], block[at + 1], block[at + 2]]);
    }
    // Nearly always sorted already: only late ticks are out of place.
    return rows.sort((a, b) => a[0] - b[0]);
  }

  process_tick(symbol, price, ts, seq, stamp) {
    if (symbol >= this.symbols || !Number.isFinite(price)) {
      this.refuse();
      return;
    }
    const sequence = this.sequence;
    let is_sampled;
    if (seq === sequence.next) {
      is_sampled = seq === this.next_sample;
      sequence.next = seq + 1;
    } else {
      if (seq > MAX_SEQ) {
        this.refuse();
        return;
      }
      is_sampled = this.record_unexpected(seq);
    }
    if (is_sampled) this.work_sampled(symbol, price, ts, seq, stamp);
    else this.work(symbol, price, ts);
    this.processed += 1;
  }

  work(symbol, price, ts) {
    // Rounded as the server does: half a cent up, nothing below zero.
    const cents = Math.floor(price * 100 + 0.5);
    if (cents > 0) this.sum[0] += cents;
    this.last_prices[symbol] = price;
    this.last_ts[0] = ts;
    if (this.work_ns > 0) this.spin();
  }

  /** The same between two stamps. */
  work_sampled(symbol, price, ts, seq, stamp) {
    const received_ns = stamp === NO_STAMP ? this.now_ns() : stamp;
    this.work(symbol, price, ts);
    this.add_row(seq, received_ns, this.now_ns());
    this.next_sample = this.at_or_after(this.sequence.next);
  }

  /** Records a seq that was not expected. Returns whether its tick is to be stamped. */
  record_unexpected(seq) {
    const before = this.sequence.next;
    const arrival = this.sequence.record_unexpected(seq);
    this.shift_by(arrival === AFTER_GAP ? seq - before : -1);
    this.next_sample = this.at_or_after(this.sequence.next);
    return arrival !== DUPLICATE && this.at_or_after(seq) === seq;
  }

  refuse() {
    this.undecodable += 1;
    this.shift_by(-1);
  }

  /** The difference of seqs and the count of messages has changed. */
  shift_by(seqs) {
    this.next_received += seqs;
    this.next_stamp = this.at_or_after(this.next_received);
  }

  /** The first sampled seq that is at least this. */
  at_or_after(seq) {
    if (seq <= this.first) return this.first;
    const past = (seq - this.first) % this.stride;
    return past === 0 ? seq : seq - past + this.stride;
  }

  add_row(seq, received_ns, processed_ns) {
    if (this.used === this.block.length) {
      if (this.blocks.length * BLOCK_ROWS >= MAX_ROWS) {
        this.dropped += 1;
        return;
      }
      this.block = new Float64Array(3 * BLOCK_ROWS);
      this.blocks.push(this.block);
      this.used = 0;
    }
    this.block[this.used] = seq;
    this.block[this.used + 1] = received_ns;
    this.block[this.used + 2] = processed_ns;
    this.used += 3;
  }

  spin() {
    const busy_ns = this.busy_ns;
    const end_ns = busy_ns() + this.work_ns;
    while (busy_ns() < end_ns);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a parsed JSON value has exactly the keys of a tick, each of its kind. */
function has_tick_keys(tick, has_seq) {
  if (typeof tick !== 'object' || tick === null) return false;
  let keys = 0;
  for (const _ in tick) keys += 1;
  return (
    keys === (has_seq ? 4 : 3) &&
    Number.isInteger(tick.symbol) &&
    tick.symbol >= 0 &&
    typeof tick.price === 'number' &&
    Number.isInteger(tick.ts) &&
    (!has_seq || (Number.isInteger(tick.seq) && tick.seq >= 0))
  );
}
