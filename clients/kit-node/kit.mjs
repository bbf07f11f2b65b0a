// `main` of a Node client: a session for each connection, and what they come
// to. A client owns its socket, its runtime and its queue; all else is here.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { NORMAL, end_detail } from './close-codes.mjs';
import { sum_counts } from './contract.mjs';
import { RunError } from './errors.mjs';
import { complain, say } from './lines.mjs';
import { Run, leave } from './run.mjs';
import { Taker } from './taker.mjs';

export { Taker } from './taker.mjs';
export { Run, leave } from './run.mjs';

/** The largest message that a client takes; a larger one ends the connection. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** The meter is written, and stdin looked at, after so many ticks … */
const TICKS_PER_LOOK = 256;
/** … or after about so much work, whichever comes first. */
const WORK_PER_LOOK_NS = 1_000_000;
/** Stamps count from here, so that they are exact as numbers. */
const epoch_ns = process.hrtime.bigint();
const now_ns = () => Number(process.hrtime.bigint() - epoch_ns);
// The same clock in another unit; for busy work it costs less to read.
const busy_ns = () => performance.now() * 1e6;

/**
 * Runs a client from its plan to its report.
 *
 * `identify(plan)` says who it is: name, versions, runtime, transport, class,
 * queue (`{ kind, bound }`). `open(session)` opens one connection. With `speaks_tls` it
 * believes `session.ca` where there is one.
 */
export function main(identify, open, { speaks_tls = false } = {}) {
  check_arguments();
  let sessions = [];
  const end = () => {
    for (const session of sessions) session.look();
    finish(run, sessions);
  };
  const run = new Run({
    identify,
    speaks_tls,
    on_stop: end,
    play: ({ plan }) => {
      if (plan.receive_buffer_bytes !== null) {
        run.unavailable(new RunError('no_receive_buffer', { runtime: 'Node.js' }));
      }
      const ca = plan.ca === undefined ? undefined : readFileSync(plan.ca);
      sessions = plan.urls.map((_, connection) => new Session(run, connection));
      const state = { awaited: sessions.length, open: sessions.length };
      for (const session of sessions) {
        session.ca = ca;
        session.on_ready = () => {
          state.awaited -= 1;
          if (state.awaited === 0) run.ready();
        };
        session.on_end = () => {
          state.open -= 1;
          if (state.open === 0 && !run.is_stopped) end();
        };
        open(session);
      }
    },
  });
}

/** One connection of a run, as its client sees it. */
export class Session {
  constructor(run, connection) {
    this.run = run;
    /** Its place among the connections of the run, from 0. */
    this.connection = connection;
    this.taker = new Taker(run.plan, now_ns, busy_ns);
    /** Under TLS: the certificate to believe, in PEM. */
    this.ca = undefined;
    /** For a client with a queue: how many ticks are in it, counted there. */
    this.queued = () => 0;
    /** The code of the connection's end, once it has ended. */
    this.close_code = undefined;
    /** The library's message on what went wrong. */
    this.trouble = undefined;
    this.is_ready = false;
    const ticks = Math.floor(WORK_PER_LOOK_NS / (run.plan.work_ns + 1));
    this.ticks_per_look = Math.max(1, Math.min(TICKS_PER_LOOK, ticks));
    this.ticks_left = this.ticks_per_look;
    this.is_look_due = false;
    this.on_turn = () => {
      this.run.turned();
      this.look();
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

  /** To be called after the handshake. */
  ready() {
    this.is_ready = true;
    this.on_ready();
  }

  /** Takes a binary message straight from the library; false: it was not wanted any more. */
  take_binary(data) {
    if (this.run.is_stopped) return false;
    this.taker.take_binary(data);
    this.took();
    return true;
  }

  /** Takes a text message, as a string, straight from the library. */
  take_text(text) {
    if (this.run.is_stopped) return false;
    this.taker.take_text(text);
    this.took();
    return true;
  }

  /** To be called after each message by a client that uses `taker` itself, for its queue. */
  took() {
    this.ticks_left -= 1;
    if (this.ticks_left <= 0) {
      this.look();
      this.run.poll();
    } else if (!this.is_look_due) {
      this.is_look_due = true;
      setImmediate(this.on_turn);
    }
  }

  /** The library's error; before `ready` that is the end of the run. */
  failed(error) {
    this.trouble ??= error?.message || error?.code || String(error);
    if (!this.is_ready && !this.run.is_stopped) {
      this.run.fail(new RunError('cannot_connect', { url: this.url, detail: this.trouble }));
    }
  }

  /** The connection is closed, with this code (1006: without a close frame), and drained. */
  closed(code) {
    if (this.run.is_stopped) return;
    if (!this.is_ready) this.failed(new Error('the connection was closed'));
    if (this.close_code !== undefined) return;
    this.close_code = code;
    this.on_end();
  }

  /** How the connection ended, for the report. */
  get end_detail() {
    return end_detail(this.close_code, this.trouble);
  }

  /** Writes the meter. */
  look() {
    this.is_look_due = false;
    this.ticks_left = this.ticks_per_look;
    const { received, processed } = this.taker;
    this.run.meter.write(this.connection, received, processed);
  }
}

/** Adds up the sessions and reports. */
function finish(run, sessions) {
  const books = sum_counts(
    sessions.map(({ taker, queued }) => ({ ...taker.books(), queued: queued() })),
  );
  const unclean = sessions.find((session) => session.close_code !== NORMAL);
  let [ended, detail] = ['closed', null];
  if (run.cause !== undefined && (unclean !== undefined || books.queued > 0)) ended = run.cause;
  else if (unclean !== undefined) [ended, detail] = ['disconnected', unclean.end_detail];
  else if (books.queued > 0) run.fail(new RunError('queue_not_drained', books));
  const samples = sessions.map(({ connection, taker }) => ({ connection, rows: stamps(taker) }));
  run.report(samples, books, ended, detail);
}

/** The rows of a taker on the machine's monotonic clock, exactly. */
function stamps(taker) {
  const exact = (ns) => epoch_ns + BigInt(ns);
  return taker.rows().map(([seq, received, processed]) => [seq, exact(received), exact(processed)]);
}

function check_arguments() {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      say('A client of the tick bench: reads its plan from stdin.\n');
      process.exit(0);
    }
  } catch (error) {
    leave(error.message, 2);
  }
  if (process.stdin.isTTY) {
    complain('This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one.');
  }
}
