// The older benchmark's server as a child of the harness: Node.js and ws.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";
import { Connection } from "./src/connection.mjs";
import { chunks, readLine, readPlan } from "./src/lines.mjs";
import { Market } from "./src/market.mjs";
import { Meter } from "./src/meter.mjs";
import { modeOf } from "./src/pacing.mjs";
import { Engine } from "./src/engine.mjs";
import { End, serve } from "./src/run.mjs";

/** The largest message that a client may send. */
const INBOUND_BYTES = 64 * 1024;

const packageOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const kernel = (name) => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim();
const send = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const address = ({ address, port }) => `${address}:${port}`;

/**
 * Reads standard input: the plan, then `start` and what ends the run. `input.end` is why the
 * run has to end, once it has to; `input.onEnd` is called then.
 */
async function readInput() {
    const lines = createInterface({ input: process.stdin });
    const input = { end: undefined, onEnd: () => {} };
    let start;
    const started = new Promise((resolve) => (start = resolve));
    let plan;
    let hasStarted = false;
    const first = new Promise((resolve, reject) => {
        const receive = (line) => {
            if (plan === undefined) return resolve((plan = readPlan(line)));
            const received = readLine(line);
            if (received.start !== undefined && !hasStarted) {
                hasStarted = true;
                start(received.start);
            } else if (received.stop) end(new End("stopped"));
            else throw new Error("a line out of order");
        };
        const end = (why) => {
            input.end ??= why;
            input.onEnd();
        };
        lines.on("line", (line) => {
            try {
                receive(line);
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
    return { plan: await first, input, started };
}

/** Waits for every connection of the plan, in the order of their numbers. */
async function connect(server, plan) {
    const connections = [];
    let left = plan.connections;
    // Node.js cannot read either from a socket. A socket that it opened has the kernel's defaults.
    const options = {
        congestion: plan.listener_fd === undefined ? kernel("tcp_congestion_control") : null,
        send_buffer_bytes: Number(kernel("tcp_wmem").split(/\s+/)[1]),
    };
    await new Promise((resolve) => {
        server.on("connection", (ws, request) => {
            const number = Number(new URL(request.url, "ws://x").searchParams.get("connection") ?? 0);
            const isExpected = number >= 0 && number < plan.connections && connections[number] === undefined;
            if (left === 0 || !isExpected) {
                ws.terminate();
                return;
            }
            const { socket } = request;
            socket.setNoDelay(true);
            connections[number] = new Connection(ws, socket);
            const peer = address({ address: socket.remoteAddress, port: socket.remotePort });
            const local = address({ address: socket.localAddress, port: socket.localPort });
            send({ type: "connected", connection: number, peer, local, ...options });
            left -= 1;
            if (left === 0) resolve();
        });
    });
    return connections;
}

/** The result of a promise, or an end that comes first. */
function orEnd(promise, input, limitMs, late) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new End("deadline", late)), limitMs);
        input.onEnd = () => reject(input.end);
        if (input.end !== undefined) reject(input.end);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

async function run(plan, mode, input, started) {
    const deadlineMs = performance.now() + plan.deadline_ms;
    const http = createServer();
    const server = new WebSocketServer({
        server: http,
        path: "/ticks",
        perMessageDeflate: false,
        // Automatic pongs would be sent between ticks without being counted.
        autoPong: false,
        maxPayload: INBOUND_BYTES,
    });
    const { listener_fd: fd } = plan;
    http.listen(fd === undefined ? { host: "127.0.0.1", port: 0 } : { fd });
    await once(http, "listening");
    const meter = new Meter(plan.meter);
    let engine;
    let end;
    try {
        send({ type: "listening", url: `ws://${address(http.address())}/ticks` });
        const late = `no client came within ${plan.connect_deadline_ms / 1000} s`;
        const connections = await orEnd(connect(server, plan), input, plan.connect_deadline_ms, late);
        const startNs = await orEnd(started, input, deadlineMs - performance.now(), "no `start` came");
        engine = new Engine(plan, new Market(plan.seed), meter, connections);
        end = await serve(engine, mode, plan, startNs, input, deadlineMs);
    } catch (error) {
        if (!(error instanceof End)) throw error;
        end = error;
    }
    // A client may wait for this before it reports, and its report is read before ours.
    engine?.connections.forEach((connection) => connection.terminate());
    server.close();
    http.close();
    meter.close();
    report(engine, end);
}

function report(engine, { ended, detail }) {
    const counts = { generated: 0, written: 0, acknowledged: 0, confirmed: 0, written_bytes: 0 };
    if (engine !== undefined) {
        engine.connections.forEach(({ rows, written }, connection) => {
            const writtenRows = rows.filter(([seq]) => seq < written);
            chunks(writtenRows).forEach((rows) => send({ type: "samples", connection, rows }));
        });
        chunks(engine.fresh).forEach((seqs) => send({ type: "fresh", seqs }));
        counts.generated = engine.generated;
        counts.written = engine.written;
        // A pong is the only acknowledgement that Node.js sees.
        counts.acknowledged = counts.confirmed = engine.confirmed;
        counts.written_bytes = engine.writtenBytes;
    }
    send({ type: "final", ...counts, ended, detail });
    process.stdout.write("", () => process.exit(0));
}

function fail(error) {
    process.stderr.write(`node server: ${error.message.replaceAll("\n", " ")}\n`, () => process.exit(2));
}

process.on("uncaughtException", fail);
try {
    const { plan, input, started } = await readInput();
    const mode = modeOf(plan.schedule);
    const versions = [`node ${process.versions.node}`, `ws ${packageOf("./node_modules/ws/package.json").version}`];
    send({ type: "hello", contract: 2, name: "node", versions });
    await run(plan, mode, input, started);
} catch (error) {
    fail(error);
}
