// One run from its plan to its report: stdin and stdout, deadlines, the meter.
// Without a taker, so that a bridge to clients elsewhere (a page) can use it.

import { performance } from 'node:perf_hooks';
import { ContractError, RunError } from './errors.mjs';
import { CONTRACT, format_line, parse_line, sum_counts } from './contract.mjs';
import { Stdin, complain, say } from './lines.mjs';
import { Meter } from './meter.mjs';
import { check_plan } from './plan.mjs';

/** Rows on one `samples` line. */
const SAMPLES_PER_LINE = 2048;
/** A longer timer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How often the memory of a client with an unbounded queue is looked at. */
const MEMORY_CHECK_MS = 10;
/** A loop that has not turned for so long is asked for by hand. */
const PATIENCE_MS = 10;

/** Ends the process with its last words on stderr. */
export function leave(words, code) {
  complain(words);
  process.exit(code);
}

/**
 * A run. `identify(plan)` gives the hello, without its type and version;
 * `play(run)` begins to connect; `on_stop(cause)` is told of an end from
 * outside after `ready`, and has to call `report` then.
 */
export class Run {
  constructor({ identify, play, on_stop, speaks_tls = false }) {
    this.identify = identify;
    this.speaks_tls = speaks_tls;
    this.play = play;
    this.on_stop = on_stop;
    /** The plan, checked. */
    this.plan = undefined;
    /** The meter of the run. */
    this.meter = undefined;
    /** What ended the run from outside: stopped, deadline or memory_ceiling. */
    this.cause = undefined;
    /** Whether nothing is to be read or processed any more. */
    this.is_stopped = false;
    this.is_ready = false;
    this.begin_ms = performance.now();
    this.turned_ms = this.begin_ms;
    process.on('uncaughtException', (error) => leave(words_of(error), 1));
    this.stdin = new Stdin(
      (line) => this.hear(line),
      (error) => this.fault(error),
    );
  }

  /** To be called once all connections are open: stdout is silent from now on. */
  ready() {
    if (this.is_ready || this.is_stopped) return;
    this.is_ready = true;
    clearTimeout(this.connect_timer);
    say(format_line('ready'));
  }

  /** Instead of `ready`: an error that says what this machine lacks, and how to mend it. */
  unavailable(error) {
    this.is_stopped = true;
    say(format_line('unavailable', { reason: error.message }));
    process.exit(0);
  }

  /** No report, exit code 1. */
  fail(error) {
    this.is_stopped = true;
    leave(words_of(error), 1);
  }

  /** The event loop has turned. */
  turned() {
    this.turned_ms = performance.now();
  }

  /** To be called within long work: what the event loop is kept from telling. */
  poll() {
    const now_ms = performance.now();
    if (now_ms - this.turned_ms < PATIENCE_MS) return;
    this.turned_ms = now_ms;
    if (now_ms - this.begin_ms >= this.plan.deadline_ms) this.stop('deadline');
    if (this.has_ceiling) this.check_memory();
    this.stdin.poll();
  }

  /**
   * The report, and the end of the process. `samples` are of {connection, rows},
   * each row [seq, received_ns, processed_ns] of numbers or BigInts, ascending;
   * `books` are the keys of `final` up to `checksum`.
   */
  report(samples, books, ended, detail = null) {
    this.is_stopped = true;
    for (const { connection, rows } of samples) {
      for (let from = 0; from < rows.length; from += SAMPLES_PER_LINE) {
        const part = rows.slice(from, from + SAMPLES_PER_LINE);
        say(format_line('samples', { connection, rows: part }));
      }
    }
    say(format_line('final', { ...books, ended, detail }));
    process.exit(0);
  }

  hear(line) {
    try {
      const said = line === null ? null : parse_line(line);
      if (this.plan === undefined) this.begin(said);
      else if (said?.type === 'plan') throw new ContractError('second_plan');
      else this.stop('stopped');
    } catch (error) {
      this.fault(error);
    }
  }

  fault(error) {
    const was_planned = this.plan !== undefined;
    leave(words_of(error), was_planned || !(error instanceof ContractError) ? 1 : 2);
  }

  begin(said) {
    if (said === null) throw new ContractError('no_plan');
    if (said.type === 'stop') throw new ContractError('stop_before_plan');
    check_plan(said, this.speaks_tls);
    this.meter = new Meter(said.meter, said.urls.length);
    this.plan = said;
    const identity = this.identify(said);
    say(format_line('hello', { contract: CONTRACT, ...identity }));
    this.has_ceiling = identity.queue.kind === 'unbounded';
    this.set_timers();
    this.play(this);
  }

  set_timers() {
    const { connect_deadline_ms, deadline_ms, urls } = this.plan;
    const after = (ms, then) => setTimeout(then, Math.min(ms, MAX_TIMER_MS));
    this.connect_timer = after(connect_deadline_ms, () =>
      this.fail(new RunError('connect_deadline', { urls, ms: connect_deadline_ms })),
    );
    after(deadline_ms, () => this.stop('deadline'));
    if (this.has_ceiling) setInterval(() => this.check_memory(), MEMORY_CHECK_MS);
  }

  check_memory() {
    if (process.memoryUsage.rss() >= this.plan.memory_ceiling_bytes) this.stop('memory_ceiling');
  }

  /** Ends the run; the first cause stands. */
  stop(cause) {
    if (this.is_stopped) return;
    this.is_stopped = true;
    this.cause = cause;
    if (this.is_ready) this.on_stop(cause);
    else this.report([], sum_counts([]), cause, 'before it was connected');
  }
}

function words_of(error) {
  return error?.code === 'EPIPE' ? new RunError('stdout_closed').message : (error?.message ?? error);
}
