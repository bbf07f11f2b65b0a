// What the client costs: the page and its variants beside a bare page that only
// counts, in the same Chromium, over loopback, in alternating rounds.
//   node bench.mjs [--rounds N] [--cpu CPU] [CONTENDER…]
// CONTENDERs: bare, react, no-react, worker, flush-sync; bare is always there.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Chromium } from "./bridge/chromium.mjs";
import { Site } from "./bridge/site.mjs";
import { Bridge, plan, room } from "./test/children.mjs";
import { flood, serve } from "./test/ticks.mjs";

/** Measured between these counts of ticks; before them the page warms up. */
const [FROM, TO] = [30_000, 100_000];
const CONTENDERS = ["bare", "react", "no-react", "worker", "flush-sync"];

const { rounds, pin, contenders } = read_arguments();
const folder = dirname(fileURLToPath(import.meta.url));
const rates = new Map(contenders.map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  // Each second round runs backwards, so that no contender always comes first.
  for (const name of round % 2 === 0 ? contenders : contenders.toReversed()) {
    const rate_per_s = name === "bare" ? await bare() : await client(name);
    rates.get(name).push(rate_per_s);
    process.stderr.write(`round ${round + 1}: ${name} ${Math.round(rate_per_s)} ticks/s\n`);
  }
}
const base = median(rates.get("bare"));
for (const [name, all] of rates) {
  const [least, most] = [Math.min(...all), Math.max(...all)].map(Math.round);
  console.log(`${name.padEnd(12)} ${Math.round(median(all))} ticks/s (${least}–${most}), ${(median(all) / base).toFixed(3)} of bare`);
}

/** Ticks a second of the bare page, by its own clock. */
async function bare() {
  let told;
  const rate = new Promise((resolve) => { told = resolve; });
  const server = await serve((socket) => {
    socket.on("message", (text) => told(Number(text)));
    flood(socket);
  });
  const site = new Site(join(folder, "dist"), () => {});
  const page = await site.open("bare.html", { url: server.url, from: FROM, to: TO });
  const chromium = new Chromium([...pin, process.env.CHROMIUM ?? "chromium"], tmpdir(), page);
  try {
    return await Promise.race([rate, chromium.ended.then((why) => { throw new Error(why); })]);
  } finally {
    await chromium.end();
    site.close();
    server.close();
  }
}

/** Ticks a second of the client, by its own stamps. */
async function client(name) {
  const own = room();
  const server = await serve((socket) => flood(socket));
  const bridge = new Bridge(name === "react" ? [] : ["--variant", name], {}, pin);
  try {
    bridge.tell(plan(server.url, own.meter, { sample: { first: FROM, stride: TO - FROM } }));
    while (own.counts().processed <= TO) await new Promise((resolve) => setTimeout(resolve, 20));
    bridge.tell({ type: "stop" });
    await bridge.hear();
    await bridge.hear();
    const { rows } = await bridge.report();
    return ((TO - FROM) / (rows[1][2] - rows[0][2])) * 1e9;
  } finally {
    await bridge.exit;
    server.close();
    own.remove();
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** As in the harness: the browser on one CPU, the server on another. */
function read_arguments() {
  const options = { rounds: { type: "string", default: "5" }, cpu: { type: "string", default: "1" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.find((name) => !CONTENDERS.includes(name));
  const rounds = Number(values.rounds);
  if (unknown || !(rounds >= 1)) {
    console.error(unknown ? `no contender ${unknown}: choose ${CONTENDERS.join(", ")}` : `--rounds ${values.rounds}: choose 1 or more`);
    process.exit(2);
  }
  const named = positionals.length ? positionals : CONTENDERS;
  const server_cpu = values.cpu === "0" ? "1" : "0";
  const pinned = spawnSync("taskset", ["-cp", server_cpu, String(process.pid)], { stdio: "ignore" });
  const pin = pinned.status === 0 ? ["taskset", "-c", values.cpu] : [];
  if (!pin.length) console.error("not pinned: there is no taskset, or no second CPU");
  return { rounds, pin, contenders: CONTENDERS.filter((name) => name === "bare" || named.includes(name)) };
}
