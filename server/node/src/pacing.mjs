// The older server's three modes, after its description, and a flood.

/** Ticks of one turn of a flood. */
const FLOOD_TICKS = 256;
/**
 * The most ticks of one turn that makes up for elapsed time. A server that cannot send
 * what is asked for is asked for more and more: without a bound each turn would take
 * longer than the one before, and nobody would hear a pong, a close frame or a `stop`.
 */
const TURN_TICKS = 1_000;

/** What a load means here; throws for one that the older server did not know. */
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
                `it knows a fixed rate and a flood only, and no ${schedule.kind}: choose another workload or server`,
            );
    }
}

/** How many ticks are missing from what the elapsed time asks for, as far as one turn goes. */
export function missing(elapsedMs, ratePerS, made) {
    return Math.max(0, Math.min(TURN_TICKS, Math.floor((elapsedMs * ratePerS) / 1_000) - made));
}

/** Paces `engine`, from now until what is given back is called. */
export function pace(mode, engine) {
    let over = false;
    if (mode.kind === "timer") {
        const timer = setInterval(() => engine.make(mode.ticks), mode.periodMs);
        return () => clearInterval(timer);
    }
    const startMs = performance.now();
    const turns = {
        elapsed: () => engine.make(missing(performance.now() - startMs, mode.ratePerS, engine.generated)),
        flood: () => engine.isHungry() && engine.make(FLOOD_TICKS),
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
