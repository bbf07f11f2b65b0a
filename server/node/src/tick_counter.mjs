// Converts bytes of a connection to ticks. Frames of one length make a run; a control frame or
// another length begins a new run.

export class TickCounter {
    #runs = [];
    #first = 0;
    #ticks = 0;
    #frameBytes = 0;

    /** Bytes sent so far. */
    bytes = 0;

    /** The frame of a tick was sent. */
    tick(frameBytes) {
        if (frameBytes !== this.#frameBytes) {
            this.#runs.push({ start: this.bytes, tick: this.#ticks, frameBytes });
            this.#frameBytes = frameBytes;
        }
        this.bytes += frameBytes;
        this.#ticks += 1;
    }

    /** A frame that is not a tick was sent. */
    control(frameBytes) {
        this.bytes += frameBytes;
        this.#frameBytes = 0;
    }

    /** Ticks that end within the first `bytes`, which may only rise. */
    ticksWithin(bytes) {
        const runs = this.#runs;
        while (this.#first + 1 < runs.length && runs[this.#first + 1].start <= bytes) this.#first += 1;
        if (this.#first > 1_000) {
            runs.splice(0, this.#first);
            this.#first = 0;
        }
        const run = runs[this.#first];
        if (run === undefined || bytes <= run.start) return run?.tick ?? 0;
        const next = runs[this.#first + 1]?.tick ?? this.#ticks;
        return Math.min(next, run.tick + Math.floor((bytes - run.start) / run.frameBytes));
    }
}
