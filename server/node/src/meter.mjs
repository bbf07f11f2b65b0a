// The meter: counters at fixed offsets of a small file in memory, which the harness reads from
// outside.
import { closeSync, openSync, readSync, writeSync } from "node:fs";

const MAGIC = "TICKMTR1";
const GENERATED_AT = 64;

export class Meter {
    #file;
    // All counters are consecutive: generated, written, acknowledged, confirmed, written
    // bytes, blocked ns, spun ns, bytes in the log.
    #counters = Buffer.alloc(8 * 8);

    /** @param {string | null} path null: there is no meter */
    constructor(path) {
        if (path === null) return;
        this.#file = openSync(path, "r+");
        const magic = Buffer.alloc(MAGIC.length);
        readSync(this.#file, magic, 0, MAGIC.length, 0);
        if (magic.toString("latin1") !== MAGIC) throw new Error("the plan's meter is not a meter file");
    }

    #set(place, count) {
        this.#counters.writeUInt32LE(count >>> 0, place * 8);
        this.#counters.writeUInt32LE(Math.floor(count / 2 ** 32), place * 8 + 4);
    }

    /** Publishes how many ticks are made, before they are sent. */
    generated(count) {
        this.#set(0, count);
        if (this.#file !== undefined) writeSync(this.#file, this.#counters, 0, 8, GENERATED_AT);
    }

    /** Publishes all other counts; `confirmed` also stands for acknowledged. */
    rest({ written, confirmed, writtenBytes, blockedNs, heldBytes }) {
        const counts = [written, confirmed, confirmed, writtenBytes, blockedNs, 0, heldBytes];
        counts.forEach((count, at) => this.#set(at + 1, count));
        if (this.#file !== undefined) writeSync(this.#file, this.#counters, 8, 56, GENERATED_AT + 8);
    }

    close() {
        if (this.#file !== undefined) closeSync(this.#file);
        this.#file = undefined;
    }
}
