// One run: load, drain, close.
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "./clock.mjs";
import { pace } from "./pacing.mjs";

const PING_MS = 100;
/** Between two readings of the progress, in ms. */
const PROGRESS_MS = 5;
/** How long the last pong may take, after all that two kernel queues hold, in ms. */
const LAST_PONG_MS = 30_000;
/** How long the answer to the close frame may take, in ms. */
const CLOSE_MS = 2_000;

/** Why a run ends: the `ended` of the contract, and a detail for people. */
export class End extends Error {
    constructor(ended, detail = null) {
        super(detail ?? ended);
        this.ended = ended;
        this.detail = detail;
    }
}

/** Throws when something ends the run. */
function check(engine, input, deadlineMs) {
    if (input.end !== undefined) throw input.end;
    const ended = engine.connections.find((connection) => connection.end !== undefined);
    if (ended !== undefined) throw new End("abandoned", ended.end);
    const ceiling = engine.ceilingReached();
    if (ceiling !== undefined) throw new End("log_ceiling", ceiling);
    if (performance.now() > deadlineMs) throw new End("deadline", "the load was not drained in time");
}

/** Reads the progress until `done`; false when that takes longer than `limitMs`. */
async function readProgressUntil(engine, limitMs, done) {
    const untilMs = performance.now() + limitMs;
    for (engine.readProgress(); !done(); engine.readProgress()) {
        if (performance.now() > untilMs) return false;
        await sleep(PROGRESS_MS);
    }
    return true;
}

/** Paces the load to its end, drains it, and closes the connections. */
export async function serve(engine, mode, plan, startNs, input, deadlineMs) {
    await sleep(Math.max(0, (startNs - nowNs()) / 1e6));
    const stop = pace(mode, engine);
    const pings = setInterval(() => engine.ping(), PING_MS);
    try {
        const endNs = startNs + plan.duration_ns;
        await readProgressUntil(engine, Infinity, () => {
            check(engine, input, deadlineMs);
            return nowNs() >= endNs;
        });
        stop();
        await readProgressUntil(engine, Infinity, () => {
            check(engine, input, deadlineMs);
            return engine.isDrained;
        });
        clearInterval(pings);
        return await close(engine, input, deadlineMs);
    } finally {
        stop();
        clearInterval(pings);
        engine.readProgress();
    }
}

/** Waits for a last pong, then closes, and waits for the answers. */
async function close(engine, input, deadlineMs) {
    const { connections } = engine;
    const haveEnded = () => connections.every((connection) => connection.end !== undefined);
    engine.ping();
    const pongMs = Math.min(LAST_PONG_MS, deadlineMs - performance.now());
    // A `stop` now ends only the wait.
    await readProgressUntil(engine, pongMs, () => engine.isConfirmed || haveEnded() || input.end !== undefined);
    for (const connection of connections) connection.close();
    const haveAnswered = () => connections.every((connection) => connection.hasEnded);
    const answered = await readProgressUntil(engine, CLOSE_MS, haveAnswered);
    return new End("complete", answered ? null : "the client did not answer the close frame");
}
