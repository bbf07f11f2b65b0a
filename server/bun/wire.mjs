// A WebSocket of uWebSockets.

const OPEN = 1;

export class BunWire {
    #ws;
    #isGone;

    /** Called with the payload of each pong, with the bytes of each ping, and once with why it ended. */
    onPong = () => {};
    onPing = () => {};
    onEnd = () => {};

    /** @param {() => boolean} isGone whether the kernel has no such connection any more */
    constructor(ws, isGone) {
        this.#ws = ws;
        this.#isGone = isGone;
    }

    get isOpen() {
        return this.#ws.readyState === OPEN;
    }

    /** Whether the client has ended its side, too: uWebSockets reports the end when it sends the close frame. */
    get hasEnded() {
        return !this.isOpen && this.#isGone();
    }

    send(message) {
        this.#ws.send(message);
    }

    ping(payload) {
        this.#ws.ping(payload);
    }

    /** Bytes that have left the process, of those that were passed to it. */
    bytesOut(sentBytes) {
        return sentBytes - this.#ws.getBufferedAmount();
    }

    get bufferedAmount() {
        return this.#ws.getBufferedAmount();
    }

    close(code) {
        this.#ws.close(code);
    }

    terminate() {
        if (this.isOpen) this.#ws.terminate();
    }
}
