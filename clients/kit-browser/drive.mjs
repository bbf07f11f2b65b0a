// The bridge between the harness and a page in headless Chromium: it speaks the contract on
// stdin and stdout, and exchanges messages with the page over loopback.
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { sum_counts } from "../kit-node/contract.mjs";
import { RunError } from "../kit-node/errors.mjs";
import { exit_with_message, write_stderr } from "../kit-node/stdio.mjs";
import { clock_offset, machine_ns } from "./bridge/clock.mjs";
import { Page } from "./bridge/page.mjs";
import { BridgeRun } from "./bridge/run.mjs";

/** How long the page may take to report after it was told to stop. */
const REPORT_MS = 5_000;

/**
 * Runs a client whose reader is a page.
 * @param {{name: string, directory: string, variants?: string[], WebSocketServer: Function}} client
 *   its name, the directory of the built page with `index.html` and `versions.json`, the
 *   values that `--variant` may have, and the server of `ws`, which carries the page's channels
 */
export function drive({ name, directory, variants = [], WebSocketServer }) {
  const variant = read_arguments(variants);
  if (!existsSync(join(directory, "versions.json"))) exit_with(new RunError("page_not_built"), 1);
  const versions = JSON.parse(readFileSync(join(directory, "versions.json"), "utf8"));
  const hello = {
    name,
    versions,
    runtime: "Chromium, one page",
    transport: "Chromium WebSocket",
    class: "application",
    // What waits in front of the page waits in the browser and in the kernel: the page itself
    // holds nothing back, and cannot count what it has not been given.
    queue: { kind: "none", bound: null },
  };

  let page = null;
  let report_timer;
  let exchanges = [];
  /** The highest age of the counts in the meter. */
  let max_age_ms = 0;

  const run = new BridgeRun({ hello, start_browser, connect, on_stop, close: async () => page?.end() });
  process.on("exit", () => page?.kill());
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => exit_with(new RunError("ended_by_signal", { signal }), 1));
  }

  async function start_browser({ plan }) {
    if (plan.receive_buffer_bytes !== null) {
      run.unavailable(new RunError("no_receive_buffer", { runtime: "a browser" }));
    }
    // Beside the meter: a directory in memory that the harness removes in any case.
    const workspace_dir = plan.meter === null ? tmpdir() : dirname(plan.meter);
    const program = process.env.CHROMIUM ?? "chromium";
    page = new Page({ program, workspace_dir, directory, variant, on_counts, WebSocketServer });
    let product;
    try {
      product = await page.start();
    } catch (error) {
      // The bridge itself ended it, because a stop or the deadline came first.
      if (run.is_stopped) return null;
      run.unavailable(error);
    }
    await page.load();
    exchanges = await page.exchange_times(true);
    const { error_ns } = clock_offset(exchanges);
    const browser = product.replace("/", " ");
    return { ...hello, versions: [browser, ...versions], clock_error_ns: Number(error_ns) };
  }

  async function connect({ plan }) {
    const [ready, counts, report] = ["ready", "counts", "report"].map((type) => page.next_message(type));
    ready.catch(() => {});
    report.then(finish).catch((error) => run.fail(error));
    page.send({ type: "plan", plan });
    // The worker has to be there first, so that the page can be stopped.
    await counts;
    page.send({ type: "connect" });
    await ready;
    run.ready();
  }

  function on_stop() {
    page.stop();
    const late = new RunError("page_too_slow", { ms: REPORT_MS });
    report_timer = setTimeout(() => run.fail(late), REPORT_MS);
  }

  /** The counts of all connections, after the instant of the reading before. */
  function on_counts([read_ms, ...counts]) {
    if (!run.is_ready) return;
    max_age_ms = Math.max(max_age_ms, performance.timeOrigin + performance.now() - read_ms);
    for (let at = 0; at < counts.length; at += 2) run.meter.write(at / 2, counts[at], counts[at + 1]);
  }

  async function finish({ ended, detail, connections }) {
    clearTimeout(report_timer);
    if (ended === "not_connected") return run.fail(new RunError("cannot_connect", { url: detail }));
    // Together with exchanges after the run: if the clocks had drifted apart, no offset would
    // fit all of them.
    const { offset_ns, error_ns } = clock_offset([...exchanges, ...(await page.exchange_times(false))]);
    await page.end();
    for (const [index, { counts }] of connections.entries()) {
      run.meter.write(index, counts.received, counts.processed);
    }
    const samples = connections.map(({ rows }, connection) => ({
      connection,
      rows: rows.map(([seq, ...stamps]) => [seq, ...stamps.map((ns) => machine_ns(ns, offset_ns))]),
    }));
    const counts = sum_counts(connections.map(({ counts }) => ({ ...counts, queued: 0 })));
    write_stderr(`clock within ${error_ns} ns; counts at most ${max_age_ms.toFixed(1)} ms old`);
    const end = ended === "closed" ? ended : (run.cause ?? ended);
    run.report(samples, counts, end, end === "disconnected" ? detail : null);
  }
}

function exit_with(error, code) {
  exit_with_message(error.message, code);
}

function read_arguments(variants) {
  try {
    const { values } = parseArgs({ options: { variant: { type: "string", default: "" } } });
    if (values.variant !== "" && !variants.includes(values.variant)) {
      throw new RunError("unknown_variant", { variant: values.variant, known: variants });
    }
    return values.variant;
  } catch (error) {
    return exit_with(error, 2);
  }
}
