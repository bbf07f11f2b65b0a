// One connection: what was passed to its send(), what of that has left the process, and what
// its client has confirmed.
import { TickCounter } from "./tick_counter.mjs";

const PING_BYTES = 2 + 8;
const CLOSE_BYTES = 2 + 2;

export class Connection {
    #wire;
    #sent = new TickCounter();
    /** The tick count of the newest ping. */
    #pinged = 0;
    /** Rows whose ticks have left the process. */
    #stamped = 0;

    /** Ticks and bytes that have left the process. */
    written = 0;
    writtenBytes = 0;
    /** Ticks that a pong has confirmed. */
    confirmed = 0;
    /** `[seq, encoded_ns, written_ns]` of the sampled ticks that were sent. */
    rows = [];
    /** Why it has ended, if it has. */
    end;

    constructor(wire) {
        this.#wire = wire;
        wire.onPong = (payload) => this.#confirm(payload);
        // The answer has the same payload.
        wire.onPing = (bytes) => this.#sent.control(2 + bytes);
        wire.onEnd = (why) => (this.end ??= why);
    }

    /** Sends a message. */
    send(message, frameBytes) {
        this.#wire.send(message);
        this.#sent.tick(frameBytes);
    }

    /** Counts a message that was sent to all connections. */
    count(frameBytes) {
        this.#sent.tick(frameBytes);
    }

    /** Sends a ping that carries the count of ticks before it. */
    ping(ticks) {
        if (!this.#wire.isOpen) return;
        this.#pinged = ticks;
        const payload = Buffer.alloc(8);
        payload.writeBigUInt64LE(BigInt(ticks));
        this.#wire.ping(payload);
        this.#sent.control(PING_BYTES);
    }

    #confirm(payload) {
        // An unsolicited pong may carry anything.
        if (payload.length !== 8) return;
        const ticks = Number(payload.readBigUInt64LE());
        if (ticks >= this.confirmed && ticks <= this.#pinged) this.confirmed = ticks;
    }

    /** Reads how far it has come; `lastNs` is when that was read before. */
    readProgress(lastNs) {
        // A closed socket counts no more.
        if (this.end === undefined) {
            this.writtenBytes = Math.max(this.writtenBytes, this.#wire.bytesOut(this.#sent.bytes));
        }
        this.written = Math.max(this.written, this.#sent.ticksWithin(this.writtenBytes));
        const { rows } = this;
        for (; this.#stamped < rows.length && rows[this.#stamped][0] < this.written; this.#stamped += 1) {
            const row = rows[this.#stamped];
            // It had not left the process at the last reading: its write began after that.
            row[2] = Math.max(row[2], lastNs);
        }
    }

    /** Bytes that the process still holds. */
    get heldBytes() {
        return this.#sent.bytes - this.writtenBytes;
    }

    /** Bytes that the runtime reports as buffered. */
    get bufferedAmount() {
        return this.#wire.bufferedAmount;
    }

    /** Sends the close frame that ends the stream. */
    close() {
        this.#wire.close(1000);
        this.#sent.control(CLOSE_BYTES);
    }

    /** Whether the client has ended its side, too. */
    get hasEnded() {
        return this.#wire.hasEnded;
    }

    /** Ends the connection at once. */
    terminate() {
        this.#wire.terminate();
    }
}
