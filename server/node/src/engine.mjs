// Makes messages, hands them to every connection, and looks how far they have come.
import { getHeapStatistics } from "node:v8";
import { message } from "./message.mjs";

/** How long a message is sent again before it is made anew, in ms. */
const CACHED_MS = 1;
/** Ticks that the meter shows before they are handed over: it must never be behind a client. */
const SLICE_TICKS = 256;
/** Under a flood no more than this is handed to a connection that does not take it. */
const HUNGRY_BYTES = 1 << 20;
/** Between two looks while ticks are made, in ms. */
const LOOK_MS = 1;
/** Of the heap that Node.js may use: more of it in use counts as full. */
const HEAP_SHARE = 0.8;
/** Between two looks at the heap, in ms: in that time it grows by some 10 MB. */
const HEAP_MS = 50;

/** The monotonic clock, in ns: exact as a number for 104 days. */
export const nowNs = () => Number(process.hrtime.bigint());

export class Engine {
    #plan;
    #market;
    #meter;
    #message;
    #madeMs = -Infinity;
    #madeNs = 0;
    #nextSample;
    #lookedMs = 0;
    #lookedNs = nowNs();
    #heapMs = 0;
    #blockedNs = 0;

    /** Ticks handed to send(). */
    generated = 0;
    /** The seqs at which a message was made anew. */
    fresh = [];
    /** Sums over connections. */
    written = 0;
    confirmed = 0;
    writtenBytes = 0;
    heldBytes = 0;

    constructor(plan, market, meter, outlets) {
        this.#plan = plan;
        this.#market = market;
        this.#meter = meter;
        this.outlets = outlets;
        this.#nextSample = plan.sample.first;
    }

    /** Hands so many ticks to every connection. */
    make(count) {
        for (let left = count; left > 0; left -= SLICE_TICKS) {
            const end = this.generated + Math.min(left, SLICE_TICKS);
            this.#meter.generated(end);
            while (this.generated < end) this.#send(this.generated);
            if (performance.now() - this.#lookedMs >= LOOK_MS) this.look();
        }
    }

    #send(seq) {
        const nowMs = performance.now();
        if (nowMs - this.#madeMs >= CACHED_MS) this.#remake(seq, nowMs);
        const payload = this.#message.of(seq);
        const frameBytes = this.#message.frameBytes(seq);
        const isSampled = seq === this.#nextSample;
        for (const outlet of this.outlets) {
            if (isSampled) outlet.rows.push([seq, this.#madeNs, nowNs()]);
            outlet.send(payload, frameBytes);
        }
        if (isSampled) this.#nextSample += this.#plan.sample.stride;
        this.generated = seq + 1;
    }

    #remake(seq, nowMs) {
        this.#madeMs = nowMs;
        this.#madeNs = nowNs();
        this.#message = message(this.#plan.format, this.#market.tick(seq), this.#madeNs, Date.now());
        this.fresh.push(seq);
    }

    /** Whether every connection takes what it is given. */
    isHungry() {
        return this.outlets.every((outlet) => outlet.bufferedAmount < HUNGRY_BYTES);
    }

    /** Looks how far the ticks have come, and shows it. */
    look() {
        const now = nowNs();
        if (this.heldBytes > 0) this.#blockedNs += now - this.#lookedNs;
        [this.written, this.confirmed, this.writtenBytes, this.heldBytes] = [0, 0, 0, 0];
        for (const outlet of this.outlets) {
            outlet.look(this.#lookedNs);
            this.written += outlet.written;
            this.confirmed += outlet.confirmed;
            this.writtenBytes += outlet.writtenBytes;
            this.heldBytes += outlet.heldBytes;
        }
        this.#lookedMs = performance.now();
        this.#lookedNs = now;
        const { written, confirmed, writtenBytes, heldBytes } = this;
        this.#meter.rest({ written, confirmed, writtenBytes, blockedNs: this.#blockedNs, heldBytes });
    }

    /** Why no more can be kept for a slow client, if so. */
    ceiling() {
        const waiting = this.generated * this.outlets.length - this.written;
        const limit = this.#plan.log_ceiling_bytes;
        const waited = `${waiting} ticks waited for the client`;
        if (this.heldBytes > limit) return `${waited}, more than ${Math.floor(limit / 1e6)} MB`;
        if (this.#lookedMs - this.#heapMs < HEAP_MS) return undefined;
        this.#heapMs = this.#lookedMs;
        const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
        if (used < HEAP_SHARE * most) return undefined;
        const [usedMb, mostMb] = [used, most].map((bytes) => Math.round(bytes / 1e6));
        return `${waited}, and with them the heap of Node.js has ${usedMb} of ${mostMb} MB`;
    }

    /** Asks every client for a pong. */
    ping() {
        for (const outlet of this.outlets) outlet.ping(this.generated);
    }

    get isDrained() {
        return this.outlets.every((outlet) => outlet.written === this.generated);
    }

    get isConfirmed() {
        return this.outlets.every((outlet) => outlet.confirmed === this.generated);
    }
}
