// A server as a child of the harness: the lines of the contract, and one run. What a runtime does
// in its own way – listening, sockets, clocks – is given by `runtime`.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { useClock } from "./clock.mjs";
import { Connection } from "./connection.mjs";
import { Engine } from "./engine.mjs";
import { chunks, readLine, readPlan } from "./lines.mjs";
import { Market } from "./market.mjs";
import { Meter } from "./meter.mjs";
import { modeOf } from "./pacing.mjs";
import { End, serve } from "./run.mjs";

/** Between two attempts to write to a full pipe, in ms. */
const FULL_PIPE_MS = 1;
const neverNotified = new Int32Array(new SharedArrayBuffer(4));

/** Writes a line before it returns: what `process.stdout` leaves to the event loop, an exit may cut off. */
function send(line) {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    for (let at = 0; at < bytes.length; ) {
        try {
            at += writeSync(1, bytes, at);
        } catch (error) {
            if (error.code !== "EAGAIN") throw error;
            Atomics.wait(neverNotified, 0, 0, FULL_PIPE_MS);
        }
    }
}

/**
 * Reads standard input: the plan, then `start` and what ends the run. `input.end` is why the
 * run has to end, once it has to; `input.onEnd` is called then.
 */
async function readInput(runtime) {
    const lines = createInterface({ input: process.stdin });
    const input = { end: undefined, onEnd: () => {} };
    let start;
    const started = new Promise((resolve) => (start = resolve));
    let plan;
    let hasStarted = false;
    const first = new Promise((resolve, reject) => {
        const receive = (line) => {
            if (plan === undefined) return resolve((plan = readPlan(line, runtime)));
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

/**
 * Waits for every connection of the plan; they are in the order of their numbers. `offer` is what
 * the runtime calls with each new one.
 */
function connections(plan) {
    const all = [];
    let left = plan.connections;
    let complete;
    const done = new Promise((resolve) => (complete = resolve));
    const offer = ({ number, wire, peer, local, options }) => {
        const isExpected = number >= 0 && number < plan.connections && all[number] === undefined;
        if (left === 0 || !isExpected) {
            wire.terminate();
            return;
        }
        all[number] = new Connection(wire);
        send({ type: "connected", connection: number, peer, local, ...options });
        left -= 1;
        if (left === 0) complete(all);
    };
    return { offer, done };
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

async function run(runtime, plan, mode, input, started) {
    const deadlineMs = performance.now() + plan.deadline_ms;
    const { offer, done } = connections(plan);
    const listening = await runtime.listen(plan, offer);
    const meter = new Meter(plan.meter);
    let engine;
    let end;
    try {
        send({ type: "listening", url: `ws://${listening.address}/ticks` });
        const late = `no client came within ${plan.connect_deadline_ms / 1000} s`;
        const all = await orEnd(done, input, plan.connect_deadline_ms, late);
        const startNs = await orEnd(started, input, deadlineMs - performance.now(), "no `start` came");
        const { heap } = runtime;
        const { broadcast } = listening;
        engine = new Engine(plan, new Market(plan.seed), meter, all, { heap, broadcast });
        end = await serve(engine, mode, plan, startNs, input, deadlineMs);
    } catch (error) {
        if (!(error instanceof End)) throw error;
        end = error;
    }
    // A client may wait for this before it reports, and its report is read before ours.
    engine?.connections.forEach((connection) => connection.terminate());
    listening.close();
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
        // A pong is the only acknowledgement that the runtime sees.
        counts.acknowledged = counts.confirmed = engine.confirmed;
        counts.written_bytes = engine.writtenBytes;
    }
    send({ type: "final", ...counts, ended, detail });
    process.exit(0);
}

/**
 * Runs a server to its end.
 *
 * @param runtime `name`; `versions`, for the hello; `title` and `inherits`, for `readPlan`;
 *   `listen(plan, offer)`, which resolves to `{ address, close, broadcast? }`; `heap()`, if what
 *   waits for a client is in a heap that may become full; `clock()`, if it is not `process.hrtime`
 */
export async function main(runtime) {
    const fail = (error) => {
        const message = `${runtime.name} server: ${error.message.replaceAll("\n", " ")}\n`;
        process.stderr.write(message, () => process.exit(2));
    };
    process.on("uncaughtException", fail);
    if (runtime.clock !== undefined) useClock(runtime.clock);
    try {
        const { plan, input, started } = await readInput(runtime);
        const mode = modeOf(plan.schedule);
        send({ type: "hello", contract: 2, name: runtime.name, versions: runtime.versions });
        await run(runtime, plan, mode, input, started);
    } catch (error) {
        fail(error);
    }
}
