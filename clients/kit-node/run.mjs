// One run from its plan to its report: stdin and stdout, deadlines, the meter.
// It processes no ticks, so that a bridge to a page can use it too.

import { performance } from 'node:perf_hooks';
import { CONTRACT, format_line, parse_line, sum_counts } from './contract.mjs';
import { ContractError, RunError } from './errors.mjs';
import { Meter } from './meter.mjs';
import { check_plan } from './plan.mjs';
import { Stdin, exit_with_message, write_stdout } from './stdio.mjs';

/** Rows on one `samples` line. */
const SAMPLES_PER_LINE = 2048;
/** A timer with a longer delay fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Between two checks of the memory of a client with an unbounded queue. */
const MEMORY_CHECK_INTERVAL_MS = 10;
/** After this time without a turn of the event loop, `poll` does its work. */
const POLL_AFTER_MS = 10;

/**
 * A run. `identify(plan)` returns the hello without its contract version;
 * `connect(run)` begins to connect; `on_stop(cause)` is called when the run was
 * ended from outside after `ready`, and has to call `report`.
 */
export class Run {
  constructor({ identify, connect, on_stop, speaks_tls = false }) {
    this.identify = identify;
    this.speaks_tls = speaks_tls;
    this.connect = connect;
    this.on_stop = on_stop;
    /** The plan, checked. */
    this.plan = undefined;
    /** The meter of the run. */
    this.meter = undefined;
    /** What ended the run from outside: stopped, deadline or memory_ceiling. */
    this.cause = undefined;
    /** Whether to stop reading and processing. */
    this.is_stopped = false;
    this.is_ready = false;
    this.has_memory_ceiling = false;
    this.begin_ms = performance.now();
    this.last_turn_ms = this.begin_ms;
    process.on('uncaughtException', (error) => exit_with_message(message_of(error), 1));
    this.stdin = new Stdin(
      (line) => this.on_line(line),
      (error) => this.on_fault(error),
    );
  }

  /** To be called once all connections are open: from now on stdout is silent. */
  ready() {
    if (this.is_ready || this.is_stopped) return;
    this.is_ready = true;
    clearTimeout(this.connect_timer);
    write_stdout(format_line('ready'));
  }

  /** Instead of `ready`: an error that says what this machine lacks, and what to do about it. */
  unavailable(error) {
    this.is_stopped = true;
    write_stdout(format_line('unavailable', { reason: error.message }));
    process.exit(0);
  }

  /** Ends the run without a report, with exit code 1. */
  fail(error) {
    this.is_stopped = true;
    exit_with_message(message_of(error), 1);
  }

  /** To be called when the event loop has turned. */
  on_turn() {
    this.last_turn_ms = performance.now();
  }

  /** To be called within long work: checks stdin, deadline and memory while the event loop cannot. */
  poll() {
    const now_ms = performance.now();
    if (now_ms - this.last_turn_ms < POLL_AFTER_MS) return;
    this.last_turn_ms = now_ms;
    if (now_ms - this.begin_ms >= this.plan.deadline_ms) this.stop('deadline');
    if (this.has_memory_ceiling) this.check_memory();
    this.stdin.poll();
  }

  /**
   * Writes the report and ends the process. `samples` has {connection, rows} for each
   * connection, each row [seq, received_ns, processed_ns] of numbers or BigInts with
   * ascending seqs; `counts` are the sums of all connections.
   */
  report(samples, counts, ended, detail = null, more = {}) {
    this.is_stopped = true;
    for (const { connection, rows } of samples) {
      for (let from = 0; from < rows.length; from += SAMPLES_PER_LINE) {
        const part = rows.slice(from, from + SAMPLES_PER_LINE);
        write_stdout(format_line('samples', { connection, rows: part }));
      }
    }
    write_stdout(format_line('final', { ...counts, ended, detail, ...more }));
    process.exit(0);
  }

  on_line(text) {
    try {
      const line = text === null ? null : parse_line(text);
      if (this.plan === undefined) this.accept_plan(line);
      else if (line?.type === 'plan') throw new ContractError('second_plan');
      else this.stop('stopped');
    } catch (error) {
      this.on_fault(error);
    }
  }

  on_fault(error) {
    const is_refused = this.plan === undefined && error instanceof ContractError;
    exit_with_message(message_of(error), is_refused ? 2 : 1);
  }

  accept_plan(line) {
    if (line === null) throw new ContractError('no_plan');
    if (line.type === 'stop') throw new ContractError('stop_before_plan');
    check_plan(line, this.speaks_tls);
    this.meter = new Meter(line.meter, line.urls.length);
    this.plan = line;
    this.begin();
  }

  /** From the plan to the first connection. */
  begin() {
    const hello = this.identify(this.plan);
    this.write_hello(hello);
    this.has_memory_ceiling = hello.queue.kind === 'unbounded';
    this.set_timers();
    this.connect(this);
  }

  write_hello(hello) {
    write_stdout(format_line('hello', { contract: CONTRACT, ...hello }));
  }

  set_timers() {
    const { connect_deadline_ms, deadline_ms, urls } = this.plan;
    const after = (ms, then) => setTimeout(then, Math.min(ms, MAX_TIMER_MS));
    this.connect_timer = after(connect_deadline_ms, () =>
      this.fail(new RunError('connect_deadline', { urls, ms: connect_deadline_ms })),
    );
    after(deadline_ms, () => this.stop('deadline'));
    if (this.has_memory_ceiling) setInterval(() => this.check_memory(), MEMORY_CHECK_INTERVAL_MS);
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

function message_of(error) {
  if (error?.code === 'EPIPE') return new RunError('stdout_closed').message;
  return error?.message ?? error;
}
