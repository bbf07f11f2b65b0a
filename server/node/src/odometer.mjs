// How far a connection's bytes have come, in ticks. Frames of one length make a run;
// a control frame, or another length, begins a new one.

export class Odometer {
    #runs = [];
    #first = 0;
    #ticks = 0;
    #frameBytes = 0;

    /** Bytes handed over so far. */
    bytes = 0;

    /** A tick's frame was handed over. */
    tick(frameBytes) {
        if (frameBytes !== this.#frameBytes) {
            this.#runs.push({ start: this.bytes, tick: this.#ticks, frameBytes });
            this.#frameBytes = frameBytes;
        }
        this.bytes += frameBytes;
        this.#ticks += 1;
    }

    /** A frame that is no tick was handed over. */
    control(frameBytes) {
        this.bytes += frameBytes;
        this.#frameBytes = 0;
    }

    /** Ticks that lie wholly within the first `bytes`, which may only rise. */
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
