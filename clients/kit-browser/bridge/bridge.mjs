// The bridge: passes the plan to the page, the page's counts to the meter, and its report
// to the harness.
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { sum_counts } from "../../kit-node/contract.mjs";
import { RunError } from "../../kit-node/errors.mjs";
import { write_stderr } from "../../kit-node/stdio.mjs";
import { clock_offset, machine_ns } from "./clock.mjs";
import { Page } from "./page.mjs";
import { BridgeRun } from "./run.mjs";

/** How long the page may take to report after it was sent the stop. */
const REPORT_MS = 5_000;

/** A run whose reader is a page. */
export class Bridge {
  #hello;
  #site;
  #run;
  #page = null;
  #exchanges = [];
  /** The highest age of the counts in the meter. */
  #max_age_ms = 0;
  #report_timer;

  /**
   * @param {object} hello what is known before the browser runs
   * @param {{directory: string, variant: string, is_windowed: boolean, WebSocketServer: Function}} site
   *   for the `Page`
   */
  constructor(hello, site) {
    this.#hello = hello;
    this.#site = site;
    this.#run = new BridgeRun({
      hello,
      start_browser: ({ plan }) => this.#start_browser(plan),
      connect: ({ plan }) => this.#connect(plan),
      on_stop: () => this.#on_stop(),
      close: async () => this.#page?.end(),
    });
  }

  /** What can be done while the process exits. */
  kill() {
    this.#page?.kill();
  }

  async #start_browser(plan) {
    const run = this.#run;
    if (plan.receive_buffer_bytes !== null) {
      run.unavailable(new RunError("no_receive_buffer", { runtime: "a browser" }));
    }
    // Beside the meter: a directory in memory that the harness removes in any case.
    const workspace_dir = plan.meter === null ? tmpdir() : dirname(plan.meter);
    const program = process.env.CHROMIUM ?? "chromium";
    const on_counts = (counts) => this.#on_counts(counts);
    this.#page = new Page({ ...this.#site, program, workspace_dir, on_counts });
    let product;
    try {
      product = await this.#page.start();
    } catch (error) {
      // The bridge itself ended it, because a stop or the deadline came first.
      if (run.is_stopped) return null;
      run.unavailable(error);
    }
    await this.#page.load();
    this.#exchanges = await this.#page.exchange_times(true);
    const { error_ns } = clock_offset(this.#exchanges);
    const versions = [product.replace("/", " "), ...this.#hello.versions];
    return { ...this.#hello, versions, clock_error_ns: Number(error_ns) };
  }

  async #connect(plan) {
    const page = this.#page;
    const [ready, counts, report] = ["ready", "counts", "report"].map((type) => page.next_message(type));
    ready.catch(() => {});
    report.then((message) => this.#finish(message)).catch((error) => this.#run.fail(error));
    page.send({ type: "plan", plan });
    // The worker has to be there first, so that the page can be stopped.
    await counts;
    page.send({ type: "connect" });
    await ready;
    this.#run.ready();
  }

  #on_stop() {
    this.#page.stop();
    const late = new RunError("page_too_slow", { ms: REPORT_MS });
    this.#report_timer = setTimeout(() => this.#run.fail(late), REPORT_MS);
  }

  /** The counts of all connections, after the instant of the reading before. */
  #on_counts([read_ms, ...counts]) {
    if (!this.#run.is_ready) return;
    const age_ms = performance.timeOrigin + performance.now() - read_ms;
    this.#max_age_ms = Math.max(this.#max_age_ms, age_ms);
    for (let at = 0; at < counts.length; at += 2) this.#run.meter.write(at / 2, counts[at], counts[at + 1]);
  }

  async #finish({ ended, detail, connections }) {
    const run = this.#run;
    clearTimeout(this.#report_timer);
    if (ended === "not_connected") return run.fail(new RunError("cannot_connect", { url: detail }));
    // Together with exchanges after the run: if the clocks had drifted apart, no offset would
    // fit all of them.
    const exchanges = [...this.#exchanges, ...(await this.#page.exchange_times(false))];
    const { offset_ns, error_ns } = clock_offset(exchanges);
    await this.#page.end();
    for (const [index, { counts }] of connections.entries()) {
      run.meter.write(index, counts.received, counts.processed);
    }
    const samples = connections.map(({ rows }, connection) => ({
      connection,
      rows: rows.map(([seq, ...stamps]) => [seq, ...stamps.map((ns) => machine_ns(ns, offset_ns))]),
    }));
    const counts = sum_counts(connections.map(({ counts }) => ({ ...counts, queued: 0 })));
    write_stderr(`clock within ${error_ns} ns`);
    const end = ended === "closed" ? ended : (run.cause ?? ended);
    const counts_age_ns = Math.ceil(this.#max_age_ms * 1e6);
    run.report(samples, counts, end, end === "disconnected" ? detail : null, { counts_age_ns });
  }
}
