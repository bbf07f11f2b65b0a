// The older benchmark's server as a child of the harness: Node.js and ws.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";
import { chunks, plan as readPlan, word } from "./src/lines.mjs";
import { Market } from "./src/market.mjs";
import { Meter } from "./src/meter.mjs";
import { Outlet } from "./src/outlet.mjs";
import { modeOf } from "./src/pacing.mjs";
import { End, Engine, serve } from "./src/run.mjs";

/** The largest message that a client may send in. */
const INBOUND_BYTES = 64 * 1024;

const packageOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const kernel = (name) => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const address = ({ address, port }) => `${address}:${port}`;

/** The lines of standard input: the plan, then `start` and what ends the run. */
async function listen() {
    const lines = createInterface({ input: process.stdin });
    const words = { end: undefined, onChange: () => {} };
    const started = new Promise((resolve) => (words.started = resolve));
    let plan;
    let hasStarted = false;
    const first = new Promise((resolve, reject) => {
        const hear = (line) => {
            if (plan === undefined) return resolve((plan = readPlan(line)));
            const said = word(line);
            if (said.start !== undefined && !hasStarted) {
                hasStarted = true;
                words.started(said.start);
            } else if (said.stop) end(new End("stopped"));
            else throw new Error("a line out of order");
        };
        const end = (why) => {
            words.end ??= why;
            words.onChange();
        };
        lines.on("line", (line) => {
            try {
                hear(line);
            } catch (error) {
                if (plan === undefined) reject(error);
                else end(new End("stopped", error.message));
            }
        });
        lines.on("close", () => {
            reject(new Error("standard input ended before the plan"));
            end(new End("stopped"));
        });
    });
    return { plan: await first, words, started };
}

/** Waits for every connection of the plan, in the order of their numbers. */
async function connections(server, plan) {
    const outlets = [];
    let left = plan.connections;
    // Node.js cannot ask a socket for either: these are what the kernel begins with.
    const buffers = {
        congestion: kernel("tcp_congestion_control"),
        send_buffer_bytes: Number(kernel("tcp_wmem").split(/\s+/)[1]),
    };
    await new Promise((resolve) => {
        server.on("connection", (ws, request) => {
            const number = Number(new URL(request.url, "ws://x").searchParams.get("connection") ?? 0);
            const isWanted = number >= 0 && number < plan.connections && outlets[number] === undefined;
            if (left === 0 || !isWanted) {
                ws.terminate();
                return;
            }
            const { socket } = request;
            socket.setNoDelay(true);
            outlets[number] = new Outlet(ws, socket);
            const peer = address({ address: socket.remoteAddress, port: socket.remotePort });
            const local = address({ address: socket.localAddress, port: socket.localPort });
            say({ type: "connected", connection: number, peer, local, ...buffers });
            left -= 1;
            if (left === 0) resolve();
        });
    });
    return outlets;
}

/** What a promise gives, or an end that comes first. */
function orEnd(promise, words, limitMs, late) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new End("deadline", late)), limitMs);
        words.onChange = () => reject(words.end);
        if (words.end !== undefined) reject(words.end);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

async function run(plan, mode, words, started) {
    const deadlineMs = performance.now() + plan.deadline_ms;
    const server = new WebSocketServer({
        host: "127.0.0.1",
        port: 0,
        path: "/ticks",
        perMessageDeflate: false,
        // Its pongs would stand between the ticks uncounted.
        autoPong: false,
        maxPayload: INBOUND_BYTES,
    });
    await once(server, "listening");
    const meter = new Meter(plan.meter);
    let engine;
    let end;
    try {
        say({ type: "listening", url: `ws://${address(server.address())}/ticks` });
        const late = `no client came within ${plan.connect_deadline_ms / 1000} s`;
        const outlets = await orEnd(connections(server, plan), words, plan.connect_deadline_ms, late);
        const startNs = await orEnd(started, words, deadlineMs - performance.now(), "no `start` came");
        engine = new Engine(plan, new Market(plan.seed), meter, outlets);
        end = await serve(engine, mode, plan, startNs, words, deadlineMs);
    } catch (error) {
        if (!(error instanceof End)) throw error;
        end = error;
    }
    // A client may wait for this before it reports, and its report is read before ours.
    engine?.outlets.forEach((outlet) => outlet.terminate());
    server.close();
    meter.close();
    report(engine, end);
}

function report(engine, { ended, detail }) {
    const counts = { generated: 0, written: 0, acknowledged: 0, confirmed: 0, written_bytes: 0 };
    if (engine !== undefined) {
        engine.outlets.forEach((outlet, connection) => {
            const written = outlet.rows.filter(([seq]) => seq < outlet.written);
            chunks(written).forEach((rows) => say({ type: "samples", connection, rows }));
        });
        chunks(engine.fresh).forEach((seqs) => say({ type: "fresh", seqs }));
        counts.generated = engine.generated;
        counts.written = engine.written;
        // A pong is the only acknowledgement that Node.js gets to see.
        counts.acknowledged = counts.confirmed = engine.confirmed;
        counts.written_bytes = engine.writtenBytes;
    }
    say({ type: "final", ...counts, ended, detail });
    process.stdout.write("", () => process.exit(0));
}

function fail(error) {
    process.stderr.write(`node server: ${error.message.replaceAll("\n", " ")}\n`, () => process.exit(2));
}

process.on("uncaughtException", fail);
try {
    const { plan, words, started } = await listen();
    const mode = modeOf(plan.schedule);
    const versions = [`node ${process.versions.node}`, `ws ${packageOf("./node_modules/ws/package.json").version}`];
    say({ type: "hello", contract: 2, name: "node", versions });
    await run(plan, mode, words, started);
} catch (error) {
    fail(error);
}
