// One connection: what was handed to its send(), what of it has left the process, and
// what its client has confirmed.
import { Odometer } from "./odometer.mjs";

const PING_BYTES = 2 + 8;
const CLOSE_BYTES = 2 + 2;

export class Outlet {
    #ws;
    #handle;
    #odometer = new Odometer();
    /** What the socket had written before the first tick: the handshake. */
    #before;
    #asked = 0;
    #stamped = 0;

    /** Ticks and bytes that have left the process. */
    written = 0;
    writtenBytes = 0;
    /** Ticks that a pong has confirmed. */
    confirmed = 0;
    /** `[seq, encoded_ns, written_ns]` of the sampled ticks that were handed over. */
    rows = [];
    /** Why it has gone, if it has. */
    gone;

    constructor(ws, socket) {
        this.#ws = ws;
        // socket.bytesWritten adds up all that is queued, and walks through it: with a
        // million messages waiting that would be the server's main work. The handle
        // knows what it was given, and what of that the kernel did not take.
        this.#handle = socket._handle;
        this.#before = this.#handle.bytesWritten - this.#handle.writeQueueSize;
        ws.on("pong", (payload) => this.#confirm(payload));
        ws.on("ping", (payload) => {
            ws.pong(payload);
            this.#odometer.control(2 + payload.length);
        });
        ws.on("error", (error) => (this.gone ??= `the client broke the protocol: ${error.message}`));
        ws.on("close", (code) => (this.gone ??= `the connection was closed (${code})`));
    }

    /** Hands a message over. */
    send(message, frameBytes) {
        this.#ws.send(message);
        this.#odometer.tick(frameBytes);
    }

    /** Asks for a pong that carries the count of ticks before it. */
    ping(ticks) {
        if (this.#ws.readyState !== this.#ws.OPEN) return;
        this.#asked = ticks;
        const payload = Buffer.alloc(8);
        payload.writeBigUInt64LE(BigInt(ticks));
        this.#ws.ping(payload);
        this.#odometer.control(PING_BYTES);
    }

    #confirm(payload) {
        // An unsolicited pong may carry anything.
        if (payload.length !== 8) return;
        const ticks = Number(payload.readBigUInt64LE());
        if (ticks >= this.confirmed && ticks <= this.#asked) this.confirmed = ticks;
    }

    /** Looks how far it has come; `lastNs` is when that was looked at before. */
    look(lastNs) {
        // A handle that was closed counts no more.
        const bytes = this.#handle.bytesWritten - this.#handle.writeQueueSize - this.#before;
        if (this.gone === undefined && bytes > this.writtenBytes) this.writtenBytes = bytes;
        this.written = Math.max(this.written, this.#odometer.ticksWithin(this.writtenBytes));
        const { rows } = this;
        for (; this.#stamped < rows.length && rows[this.#stamped][0] < this.written; this.#stamped += 1) {
            const row = rows[this.#stamped];
            // Not there at the last look: so its write began after that.
            row[2] = Math.max(row[2], lastNs);
        }
    }

    /** Bytes that Node.js still holds. */
    get heldBytes() {
        return this.#odometer.bytes - this.writtenBytes;
    }

    /** What ws and the socket say that they still hold, in bytes. */
    get bufferedAmount() {
        return this.#ws.bufferedAmount;
    }

    /** The close frame that ends the stream. */
    close() {
        this.#ws.close(1000);
        this.#odometer.control(CLOSE_BYTES);
    }

    /** Ends the connection as it is. */
    terminate() {
        this.#ws.terminate();
    }
}
