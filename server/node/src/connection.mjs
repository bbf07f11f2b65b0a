// One connection: what was passed to its send(), what of that has left the process, and what
// its client has confirmed.
import { TickCounter } from "./tick_counter.mjs";

const PING_BYTES = 2 + 8;
const CLOSE_BYTES = 2 + 2;

export class Connection {
    #ws;
    #handle;
    #sent = new TickCounter();
    /** Bytes that the socket had written before the first tick: the handshake. */
    #before;
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

    constructor(ws, socket) {
        this.#ws = ws;
        // socket.bytesWritten walks over all that is queued: with a million waiting messages
        // that would be most of the work of the server. The handle knows what was passed to
        // it, and what of that the kernel has not taken.
        this.#handle = socket._handle;
        this.#before = this.#handle.bytesWritten - this.#handle.writeQueueSize;
        ws.on("pong", (payload) => this.#confirm(payload));
        ws.on("ping", (payload) => {
            ws.pong(payload);
            this.#sent.control(2 + payload.length);
        });
        ws.on("error", (error) => (this.end ??= `the client broke the protocol: ${error.message}`));
        ws.on("close", (code) => (this.end ??= `the connection was closed (${code})`));
    }

    /** Sends a message. */
    send(message, frameBytes) {
        this.#ws.send(message);
        this.#sent.tick(frameBytes);
    }

    /** Sends a ping that carries the count of ticks before it. */
    ping(ticks) {
        if (this.#ws.readyState !== this.#ws.OPEN) return;
        this.#pinged = ticks;
        const payload = Buffer.alloc(8);
        payload.writeBigUInt64LE(BigInt(ticks));
        this.#ws.ping(payload);
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
        // A closed handle counts no more.
        const bytes = this.#handle.bytesWritten - this.#handle.writeQueueSize - this.#before;
        if (this.end === undefined && bytes > this.writtenBytes) this.writtenBytes = bytes;
        this.written = Math.max(this.written, this.#sent.ticksWithin(this.writtenBytes));
        const { rows } = this;
        for (; this.#stamped < rows.length && rows[this.#stamped][0] < this.written; this.#stamped += 1) {
            const row = rows[this.#stamped];
            // It had not left the process at the last reading: its write began after that.
            row[2] = Math.max(row[2], lastNs);
        }
    }

    /** Bytes that Node.js still holds. */
    get heldBytes() {
        return this.#sent.bytes - this.writtenBytes;
    }

    /** Bytes that ws and the socket report as buffered. */
    get bufferedAmount() {
        return this.#ws.bufferedAmount;
    }

    /** Sends the close frame that ends the stream. */
    close() {
        this.#ws.close(1000);
        this.#sent.control(CLOSE_BYTES);
    }

    /** Ends the connection at once. */
    terminate() {
        this.#ws.terminate();
    }
}
