// A WebSocket of ws, and the socket below it.

export class NodeWire {
    #ws;
    #handle;
    /** Bytes that the socket had written before the first tick: the handshake. */
    #before;
    #hasClosed = false;

    /** Called with the payload of each pong, with the bytes of each ping, and once with why it ended. */
    onPong = () => {};
    onPing = () => {};
    onEnd = () => {};

    constructor(ws, socket) {
        this.#ws = ws;
        // socket.bytesWritten walks over all that is queued: with a million waiting messages
        // that would be most of the work of the server. The handle knows what was passed to
        // it, and what of that the kernel has not taken.
        this.#handle = socket._handle;
        this.#before = this.#handle.bytesWritten - this.#handle.writeQueueSize;
        ws.on("pong", (payload) => this.onPong(payload));
        ws.on("ping", (payload) => {
            ws.pong(payload);
            this.onPing(payload.length);
        });
        ws.on("error", (error) => this.#end(`the client broke the protocol: ${error.message}`));
        ws.on("close", (code) => this.#end(`the connection was closed (${code})`));
    }

    #end(why) {
        this.#hasClosed = true;
        this.onEnd(why);
    }

    get isOpen() {
        return this.#ws.readyState === this.#ws.OPEN;
    }

    /** Whether the client has ended its side, too. */
    get hasEnded() {
        return this.#hasClosed;
    }

    send(message) {
        this.#ws.send(message);
    }

    ping(payload) {
        this.#ws.ping(payload);
    }

    /** Bytes that have left the process since the handshake. */
    bytesOut() {
        return this.#handle.bytesWritten - this.#handle.writeQueueSize - this.#before;
    }

    /** Bytes that ws and the socket report as buffered. */
    get bufferedAmount() {
        return this.#ws.bufferedAmount;
    }

    close(code) {
        this.#ws.close(code);
    }

    terminate() {
        this.#ws.terminate();
    }
}
