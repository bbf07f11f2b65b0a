// One run: connections, load, drain, goodbye.
import { setTimeout as sleep } from "node:timers/promises";
import { Engine, nowNs } from "./engine.mjs";
import { pace } from "./pacing.mjs";

const PING_MS = 100;
/** Between two looks at how far the ticks have come, in ms. */
const LOOK_MS = 5;
/** Time for the last pong, behind all that two kernel queues hold, and for the close frame. */
const LAST_PONG_MS = 30_000;
const GOODBYE_MS = 2_000;

/** What ends a run early: a word of the contract, and why. */
export class End extends Error {
    constructor(ended, detail = null) {
        super(detail ?? ended);
        this.ended = ended;
        this.detail = detail;
    }
}

/** Throws when something ends the run. */
function check(engine, words, deadlineMs) {
    if (words.end !== undefined) throw words.end;
    const gone = engine.outlets.find((outlet) => outlet.gone !== undefined);
    if (gone !== undefined) throw new End("abandoned", gone.gone);
    const ceiling = engine.ceiling();
    if (ceiling !== undefined) throw new End("log_ceiling", ceiling);
    if (performance.now() > deadlineMs) throw new End("deadline", "the load was not drained in time");
}

/** Looks again and again until `done`; false when that takes longer than `limitMs`. */
async function lookUntil(engine, limitMs, done) {
    const untilMs = performance.now() + limitMs;
    for (engine.look(); !done(); engine.look()) {
        if (performance.now() > untilMs) return false;
        await sleep(LOOK_MS);
    }
    return true;
}

/** Paces the load to its end, and drains it. Gives the last word. */
export async function serve(engine, mode, plan, startNs, words, deadlineMs) {
    await sleep(Math.max(0, (startNs - nowNs()) / 1e6));
    const stop = pace(mode, engine);
    const pings = setInterval(() => engine.ping(), PING_MS);
    try {
        const endNs = startNs + plan.duration_ns;
        await lookUntil(engine, Infinity, () => {
            check(engine, words, deadlineMs);
            return nowNs() >= endNs;
        });
        stop();
        await lookUntil(engine, Infinity, () => {
            check(engine, words, deadlineMs);
            return engine.isDrained;
        });
        clearInterval(pings);
        return await goodbye(engine, words, deadlineMs);
    } finally {
        stop();
        clearInterval(pings);
        engine.look();
    }
}

/** Asks for a last pong, then closes, and waits for the answer. */
async function goodbye(engine, words, deadlineMs) {
    const { outlets } = engine;
    const areGone = () => outlets.every((outlet) => outlet.gone !== undefined);
    engine.ping();
    const pongMs = Math.min(LAST_PONG_MS, deadlineMs - performance.now());
    // A `stop` that comes now ends only the wait.
    await lookUntil(engine, pongMs, () => engine.isConfirmed || areGone() || words.end !== undefined);
    for (const outlet of outlets) outlet.close();
    const answered = await lookUntil(engine, GOODBYE_MS, areGone);
    return new End("complete", answered ? null : "the client did not answer the close frame");
}

export { Engine };
