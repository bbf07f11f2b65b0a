// One connection of a run, as its client sees it.

import { performance } from 'node:perf_hooks';
import { NORMAL, end_detail } from './close-codes.mjs';
import { RunError } from './errors.mjs';
import { Processor } from './processor.mjs';

/** The meter is written, and stdin is polled, after this many ticks … */
const TICKS_PER_UPDATE = 256;
/** … or after about this much work, whichever comes first. */
const WORK_PER_UPDATE_NS = 1_000_000;

/** Stamps count from here, so that they are exact as numbers. */
const epoch_ns = process.hrtime.bigint();
const now_ns = () => Number(process.hrtime.bigint() - epoch_ns);
// The same clock, cheaper to read, for the work per tick.
const busy_ns = () => performance.now() * 1e6;

/** `on_ready()` and `on_end()` are called once each; `ca` is what the client trusts under TLS. */
export class Session {
  constructor(run, connection, { ca, on_ready, on_end }) {
    this.run = run;
    /** Its index among the connections of the run. */
    this.connection = connection;
    this.processor = new Processor(run.plan, now_ns, busy_ns);
    /** Under TLS: the certificate to trust, in PEM. */
    this.ca = ca;
    /** For a client with a queue: how many ticks are in it, counted there. */
    this.queued = () => 0;
    this.on_ready = on_ready;
    this.on_end = on_end;
    /** The close code, once the connection has ended. */
    this.close_code = undefined;
    /** The library's message on what failed. */
    this.failure = undefined;
    this.is_ready = false;
    const ticks = Math.floor(WORK_PER_UPDATE_NS / (run.plan.work_ns + 1));
    this.ticks_per_update = Math.max(1, Math.min(TICKS_PER_UPDATE, ticks));
    this.ticks_left = this.ticks_per_update;
    this.is_update_due = false;
    this.on_turn = () => {
      this.run.on_turn();
      this.write_meter();
    };
  }

  /** The plan, checked. */
  get plan() {
    return this.run.plan;
  }

  /** Where to connect. */
  get url() {
    return this.run.plan.urls[this.connection];
  }

  /** Whether the server closed the connection with code 1000. */
  get is_closed_normally() {
    return this.close_code === NORMAL;
  }

  /** How the connection ended, for the report. */
  get end_detail() {
    return end_detail(this.close_code, this.failure);
  }

  /** To be called after the handshake. */
  ready() {
    this.is_ready = true;
    this.on_ready();
  }

  /** Processes a binary message straight from the library; false: the run is stopped. */
  process_binary(data) {
    if (this.run.is_stopped) return false;
    this.processor.process_binary(data);
    this.after_message();
    return true;
  }

  /** Processes a text message, a string, straight from the library. */
  process_text(text) {
    if (this.run.is_stopped) return false;
    this.processor.process_text(text);
    this.after_message();
    return true;
  }

  /** To be called after each message by a client with a queue, which uses `processor` itself. */
  after_message() {
    this.ticks_left -= 1;
    if (this.ticks_left <= 0) {
      this.write_meter();
      this.run.poll();
    } else if (!this.is_update_due) {
      this.is_update_due = true;
      setImmediate(this.on_turn);
    }
  }

  /** To be called with the library's error; before `ready` it ends the run. */
  failed(error) {
    this.failure ??= error?.message || error?.code || String(error);
    if (!this.is_ready && !this.run.is_stopped) {
      this.run.fail(new RunError('cannot_connect', { url: this.url, detail: this.failure }));
    }
  }

  /** To be called when the connection is closed with this code (1006: without a close frame) and drained. */
  closed(code) {
    if (this.run.is_stopped) return;
    if (!this.is_ready) this.failed(new Error('the connection was closed'));
    if (this.close_code !== undefined) return;
    this.close_code = code;
    this.on_end();
  }

  write_meter() {
    this.is_update_due = false;
    this.ticks_left = this.ticks_per_update;
    const { received, processed } = this.processor;
    this.run.meter.write(this.connection, received, processed);
  }

  counts() {
    return { ...this.processor.counts(), queued: this.queued() };
  }

  /** The stamped ticks, on the machine's monotonic clock, exactly. */
  rows() {
    const exact = (ns) => epoch_ns + BigInt(ns);
    const rows = this.processor.rows();
    return rows.map(([seq, received, processed]) => [seq, exact(received), exact(processed)]);
  }
}
