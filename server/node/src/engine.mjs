// Makes messages, passes them to every connection, and reads how far they have come.
import { nowNs } from "./clock.mjs";
import { message } from "./message.mjs";

/** How long a message is repeated before it is made anew, in ms. */
const CACHED_MS = 1;
/** Ticks that the meter shows before they are sent: it must never be behind a client. */
const SLICE_TICKS = 256;
/** Under a flood no more is sent while a connection has this much buffered. */
const BUFFERED_BYTES = 1 << 20;
/** Between two readings of the progress while ticks are made, in ms. */
const PROGRESS_MS = 1;
/** The share of the heap limit above which the heap counts as full. */
const HEAP_SHARE = 0.8;
/** Between two readings of the heap, in ms: in that time it grows by some 10 MB. */
const HEAP_MS = 50;

export class Engine {
    #plan;
    #market;
    #meter;
    #message;
    #madeMs = -Infinity;
    #madeNs = 0;
    #nextSample;
    #progressMs = 0;
    #progressNs = nowNs();
    #heapMs = 0;
    #blockedNs = 0;
    #heap;
    #broadcast;

    /** Ticks passed to send(). */
    generated = 0;
    /** The seqs at which a message was made anew. */
    fresh = [];
    /** Sums over connections. */
    written = 0;
    confirmed = 0;
    writtenBytes = 0;
    heldBytes = 0;

    /**
     * @param more `broadcast`, if the runtime sends to all connections at a time: `message(payload)`
     *   for each, and `flush()` after the last one of a slice, when what it collects has to leave;
     *   `heap()`, which gives `{ used, most }`, if it keeps in a heap what waits
     */
    constructor(plan, market, meter, connections, { broadcast, heap } = {}) {
        this.#broadcast = broadcast;
        this.#heap = heap;
        this.#plan = plan;
        this.#market = market;
        this.#meter = meter;
        this.connections = connections;
        this.#nextSample = plan.sample.first;
    }

    /** Sends `count` ticks to every connection. */
    make(count) {
        for (let left = count; left > 0; left -= SLICE_TICKS) {
            const end = this.generated + Math.min(left, SLICE_TICKS);
            this.#meter.generated(end);
            while (this.generated < end) this.#send(this.generated);
            this.#broadcast?.flush();
            if (performance.now() - this.#progressMs >= PROGRESS_MS) this.readProgress();
        }
    }

    #send(seq) {
        const nowMs = performance.now();
        if (nowMs - this.#madeMs >= CACHED_MS) this.#remake(seq, nowMs);
        const payload = this.#message.of(seq);
        const frameBytes = this.#message.frameBytes(seq);
        const isSampled = seq === this.#nextSample;
        for (const connection of this.connections) {
            if (isSampled) connection.rows.push([seq, this.#madeNs, nowNs()]);
            if (this.#broadcast === undefined) connection.send(payload, frameBytes);
            else connection.count(frameBytes);
        }
        this.#broadcast?.message(payload);
        if (isSampled) this.#nextSample += this.#plan.sample.stride;
        this.generated = seq + 1;
    }

    #remake(seq, nowMs) {
        this.#madeMs = nowMs;
        this.#madeNs = nowNs();
        this.#message = message(this.#plan.format, this.#market.tick(seq), this.#madeNs, Date.now());
        this.fresh.push(seq);
    }

    /** Whether every connection has room for more. */
    needsMore() {
        return this.connections.every((connection) => connection.bufferedAmount < BUFFERED_BYTES);
    }

    /** Reads how far the ticks have come, and publishes it. */
    readProgress() {
        const now = nowNs();
        if (this.heldBytes > 0) this.#blockedNs += now - this.#progressNs;
        [this.written, this.confirmed, this.writtenBytes, this.heldBytes] = [0, 0, 0, 0];
        for (const connection of this.connections) {
            connection.readProgress(this.#progressNs);
            this.written += connection.written;
            this.confirmed += connection.confirmed;
            this.writtenBytes += connection.writtenBytes;
            this.heldBytes += connection.heldBytes;
        }
        this.#progressMs = performance.now();
        this.#progressNs = now;
        const { written, confirmed, writtenBytes, heldBytes } = this;
        this.#meter.rest({ written, confirmed, writtenBytes, blockedNs: this.#blockedNs, heldBytes });
    }

    /** Why no more can be kept for a slow client, if it cannot. */
    ceilingReached() {
        const waiting = this.generated * this.connections.length - this.written;
        const limit = this.#plan.log_ceiling_bytes;
        const waited = `${waiting} ticks waited for the client`;
        if (this.heldBytes > limit) return `${waited}, more than ${Math.floor(limit / 1e6)} MB`;
        if (this.#heap === undefined || this.#progressMs - this.#heapMs < HEAP_MS) return undefined;
        this.#heapMs = this.#progressMs;
        const { used, most } = this.#heap();
        if (used < HEAP_SHARE * most) return undefined;
        const [usedMb, mostMb] = [used, most].map((bytes) => Math.round(bytes / 1e6));
        return `${waited}, and with them the heap has ${usedMb} of ${mostMb} MB`;
    }

    /** Pings every client. */
    ping() {
        for (const connection of this.connections) connection.ping(this.generated);
    }

    get isDrained() {
        return this.connections.every((connection) => connection.written === this.generated);
    }

    get isConfirmed() {
        return this.connections.every((connection) => connection.confirmed === this.generated);
    }
}
