// The bridge between the harness and a page in headless Chromium: speaks the
// contract on stdin and stdout, and with the page over loopback.
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { agree, machine_ns } from "./bridge/clock.mjs";
import { Page } from "./bridge/page.mjs";
import { sum_counts } from "../kit-node/contract.mjs";
import { RunError } from "../kit-node/errors.mjs";
import { leave } from "../kit-node/run.mjs";
import { BridgeRun } from "./bridge/run.mjs";

/** How long the page may take to report after it was told to stop. */
const ANSWER_MS = 5_000;

/**
 * Runs a client whose reader is a page.
 * @param {{name: string, folder: string, variants?: string[], WebSocketServer: Function}} what
 *   its name, the folder of the built page with `index.html` and `versions.json`, the
 *   words that `--variant` may be, and the server of `ws`, which carries the page's lines
 */
export function drive({ name, folder, variants = [], WebSocketServer }) {
  const variant = read_arguments(variants);
  if (!existsSync(join(folder, "versions.json"))) {
    leave(new RunError("page_not_built").message, 1);
  }
  const versions = JSON.parse(readFileSync(join(folder, "versions.json"), "utf8"));
  const hello = {
    name,
    versions,
    runtime: "Chromium, one page",
    transport: "Chromium WebSocket",
    class: "application",
    // What waits before the page waits in the browser and in the kernel: the page
    // itself holds nothing back, and cannot count what it has not been given.
    queue: { kind: "none", bound: null },
  };

  let page = null;
  let answer_timer;
  let exchanges = [];
  /** How old the counts in the meter became at worst. */
  let oldest_ms = 0;

  const run = new BridgeRun({ hello, introduce, play, on_stop, close: async () => page?.end() });
  process.on("exit", () => page?.abandon());
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => leave(new RunError("ended_by_signal", { signal }).message, 1));

  async function introduce({ plan }) {
    if (plan.receive_buffer_bytes !== null) {
      run.unavailable(new RunError("no_receive_buffer", { runtime: "a browser" }));
    }
    // Beside the meter: a folder in memory that the harness removes, whatever happens.
    const room = plan.meter === null ? tmpdir() : dirname(plan.meter);
    page = new Page({ program: process.env.CHROMIUM ?? "chromium", room, folder, variant, on_counts, WebSocketServer });
    let product;
    try {
      product = await page.start();
    } catch (error) {
      // Ended by ourselves, because a stop or the deadline came first.
      if (run.is_stopped) return null;
      run.unavailable(error);
    }
    await page.load();
    exchanges = await page.exchange(true);
    const { error_ns } = agree(exchanges);
    const browser = product.replace("/", " ");
    return { ...hello, versions: [browser, ...versions], clock_error_ns: Number(error_ns) };
  }

  async function play({ plan }) {
    const [ready, pulse, report] = ["ready", "pulse", "report"].map((type) => page.expect(type));
    ready.catch(() => {});
    report.then(finish).catch((error) => run.fail(error));
    page.tell({ type: "plan", plan });
    // First of all, so that the page can be stopped.
    await pulse;
    page.tell({ type: "connect" });
    await ready;
    run.ready();
  }

  function on_stop() {
    page.stop();
    const late = new RunError("page_too_slow", { ms: ANSWER_MS });
    answer_timer = setTimeout(() => run.fail(late), ANSWER_MS);
  }

  /** The counts of all connections, after the instant at which they were read the last time. */
  function on_counts([read_ms, ...counts]) {
    if (!run.is_ready) return;
    oldest_ms = Math.max(oldest_ms, performance.timeOrigin + performance.now() - read_ms);
    for (let at = 0; at < counts.length; at += 2) run.meter.write(at / 2, counts[at], counts[at + 1]);
  }

  async function finish({ ended, detail, connections }) {
    clearTimeout(answer_timer);
    if (ended === "not_connected") return run.fail(new RunError("cannot_connect", { url: detail }));
    // With those of the end: had the clocks moved apart, nothing would fit all.
    const { offset_ns, error_ns } = agree([...exchanges, ...(await page.exchange(false))]);
    await page.end();
    for (const [connection, { books }] of connections.entries()) {
      run.meter.write(connection, books.received, books.processed);
    }
    const samples = connections.map(({ rows }, connection) => ({
      connection,
      rows: rows.map(([seq, ...stamps]) => [seq, ...stamps.map((ns) => machine_ns(ns, offset_ns))]),
    }));
    const books = sum_counts(connections.map(({ books }) => ({ ...books, queued: 0 })));
    process.stderr.write(`clock within ${error_ns} ns; counts at most ${oldest_ms.toFixed(1)} ms old\n`);
    const end = ended === "closed" ? ended : (run.cause ?? ended);
    run.report(samples, books, end, end === "disconnected" ? detail : null);
  }
}

function read_arguments(variants) {
  try {
    const { values } = parseArgs({ options: { variant: { type: "string", default: "" } } });
    if (values.variant !== "" && !variants.includes(values.variant)) {
      throw new RunError("unknown_variant", { variant: values.variant, known: variants });
    }
    return values.variant;
  } catch (error) {
    return leave(error.message, 2);
  }
}
