// What the client costs: the page and its variants beside bare pages, in the same Chromium,
// over loopback, in alternating rounds.
//   node bench.mjs [--rounds N] [--cpu CPU] [PAGE…]
// PAGEs: bare (it only counts), bare-decode (it also reads the fields), bare-react (it also
// passes each tick to the same component), react, no-react, worker, flush-sync; bare always
// takes part.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { Chromium } from "../kit-browser/bridge/chromium.mjs";
import { Site } from "../kit-browser/bridge/site.mjs";
import { Bridge, client_dir, make_workspace, plan } from "./test/children.mjs";
import { flood, serve } from "./test/ticks.mjs";

/** Measured between these two counts of ticks, after a warm-up. */
const [FROM, TO] = [30_000, 100_000];
const PAGES = ["bare", "bare-decode", "bare-react", "react", "no-react", "worker", "flush-sync"];

const { rounds, pin, pages } = read_arguments();
const results = new Map(pages.map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  // Every second round runs backwards, so that no page always comes first.
  for (const name of round % 2 === 0 ? pages : pages.toReversed()) {
    const result = name.startsWith("bare") ? await bare(name) : await client(name);
    results.get(name).push(result);
    process.stderr.write(`round ${round + 1}: ${name} ${line_of(result)}\n`);
  }
}
const base = medians(results.get("bare"));
for (const [name, all] of results) {
  const { rate_per_s, cpu_us } = medians(all);
  const ratios = `${(rate_per_s / base.rate_per_s).toFixed(3)} of bare, CPU ${(cpu_us / base.cpu_us).toFixed(3)}`;
  console.log(`${name.padEnd(12)} ${line_of({ rate_per_s, cpu_us })}: ${ratios}`);
}

function line_of({ rate_per_s, cpu_us }) {
  return `${Math.round(rate_per_s)} ticks/s, ${cpu_us.toFixed(1)} µs of CPU a tick`;
}

/** The median of each figure. */
function medians(all) {
  const of = (key) => median(all.map((result) => result[key]));
  return { rate_per_s: of("rate_per_s"), cpu_us: of("cpu_us") };
}

/** The bare page, by its own clock. */
async function bare(name) {
  let chromium;
  const readings = [];
  let done;
  const finished = new Promise((resolve) => { done = resolve; });
  const server = await serve((socket) => {
    socket.on("message", (text) => {
      readings.push({ at_ms: Number(text), cpu_ms: cpu_ms(chromium.pid) });
      if (readings.length === 2) done();
    });
    flood(socket);
  });
  const site = new Site(join(client_dir, "dist"), () => {}, WebSocketServer);
  const decode = name === "bare-decode" ? { decode: "" } : {};
  const file = name === "bare-react" ? "bare-react.html" : "bare.html";
  const page = await site.open(file, { url: server.url, from: FROM, to: TO, ...decode });
  chromium = new Chromium([...pin, process.env.CHROMIUM ?? "chromium"], tmpdir(), page);
  try {
    await Promise.race([finished, chromium.ended.then((error) => { throw error; })]);
    const [first, last] = readings;
    return result_of(TO - FROM, last.at_ms - first.at_ms, TO - FROM, last.cpu_ms - first.cpu_ms);
  } finally {
    await chromium.end();
    site.close();
    server.close();
  }
}

/** The client, by its own stamps. */
async function client(name) {
  const workspace = make_workspace();
  const server = await serve((socket) => flood(socket));
  const args = name === "react" ? [] : ["--variant", name];
  const bridge = new Bridge(args, { first: pin, detached: false });
  const reach = async (count) => {
    while (workspace.counts().processed <= count) await new Promise((resolve) => setTimeout(resolve, 10));
    return { processed: workspace.counts().processed, cpu_ms: cpu_ms(bridge.process.pid) };
  };
  try {
    bridge.write(plan(server.url, workspace.meter, { sample: { first: FROM, stride: TO - FROM } }));
    const [first, last] = [await reach(FROM), await reach(TO)];
    bridge.write({ type: "stop" });
    await bridge.next_line();
    await bridge.next_line();
    const { rows } = await bridge.report();
    const span_ms = (rows[1][2] - rows[0][2]) / 1e6;
    return result_of(TO - FROM, span_ms, last.processed - first.processed, last.cpu_ms - first.cpu_ms);
  } finally {
    await bridge.exit;
    server.close();
    workspace.remove();
  }
}

function result_of(ticks, span_ms, ticks_of_cpu, cpu_ms) {
  return { rate_per_s: (ticks / span_ms) * 1e3, cpu_us: (cpu_ms / ticks_of_cpu) * 1e3 };
}

/** CPU time of a process and its descendants. On a machine with other load it is more reliable than the rate. */
function cpu_ms(root) {
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const text = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
      return [{ pid: Number(name), parent: fields[1], cpu_ms: (fields[11] + fields[12]) * 10 }];
    } catch {
      return [];
    }
  });
  const sum = (pid) => stats.filter(({ parent }) => parent === pid)
    .reduce((total, child) => total + child.cpu_ms + sum(child.pid), 0);
  return sum(root) + (stats.find(({ pid }) => pid === root)?.cpu_ms ?? 0);
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** As in the harness, the browser runs on one CPU and the server on another. */
function read_arguments() {
  const options = { rounds: { type: "string", default: "5" }, cpu: { type: "string", default: "1" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.find((name) => !PAGES.includes(name));
  const rounds = Number(values.rounds);
  if (unknown || !(rounds >= 1)) {
    console.error(unknown ? `no page ${unknown}: choose ${PAGES.join(", ")}` : `--rounds ${values.rounds}: choose 1 or more`);
    process.exit(2);
  }
  const named = positionals.length ? positionals : PAGES;
  const server_cpu = values.cpu === "0" ? "1" : "0";
  const pinned = spawnSync("taskset", ["-cp", server_cpu, String(process.pid)], { stdio: "ignore" });
  const pin = pinned.status === 0 ? ["taskset", "-c", values.cpu] : [];
  if (!pin.length) console.error("not pinned: there is no taskset, or no second CPU");
  return { rounds, pin, pages: PAGES.filter((name) => name === "bare" || named.includes(name)) };
}
