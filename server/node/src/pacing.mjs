// The three modes of the older server, after its description, and a flood.

/** Ticks of one turn of the event loop under a flood. */
const FLOOD_TICKS = 256;
/**
 * The most ticks of one turn in the mode `elapsed`. A server that cannot sustain the rate has
 * more and more to send: without a bound each turn would take longer than the one before, and
 * pongs, close frames or a `stop` would never be read.
 */
const TURN_TICKS = 1_000;

/** The mode of a load; throws for a load that the older server did not have. */
export function modeOf(schedule) {
    const rate = schedule.rate_per_s;
    switch (schedule.kind) {
        case "flood":
            return { kind: "flood" };
        case "rate":
            // setInterval itself rounds its period down to whole milliseconds.
            if (rate <= 1_000) return { kind: "timer", periodMs: 1_000 / rate, ticks: 1 };
            if (rate <= 10_000) return { kind: "timer", periodMs: 1, ticks: Math.ceil(rate / 1_000) };
            return { kind: "elapsed", ratePerS: rate };
        default:
            throw new Error(
                `this server supports a fixed rate and a flood only, not ${schedule.kind}: choose another workload or server`,
            );
    }
}

/** How many ticks of the elapsed time are not made yet, at most those of one turn. */
export function missing(elapsedMs, ratePerS, made) {
    return Math.max(0, Math.min(TURN_TICKS, Math.floor((elapsedMs * ratePerS) / 1_000) - made));
}

/** Paces `engine` from now until the function that it returns is called. */
export function pace(mode, engine) {
    let over = false;
    if (mode.kind === "timer") {
        const timer = setInterval(() => engine.make(mode.ticks), mode.periodMs);
        return () => clearInterval(timer);
    }
    const startMs = performance.now();
    const turns = {
        elapsed: () => engine.make(missing(performance.now() - startMs, mode.ratePerS, engine.generated)),
        flood: () => engine.needsMore() && engine.make(FLOOD_TICKS),
    };
    const turn = turns[mode.kind];
    const loop = () => {
        if (over) return;
        turn();
        setImmediate(loop);
    };
    setImmediate(loop);
    return () => {
        over = true;
    };
}
