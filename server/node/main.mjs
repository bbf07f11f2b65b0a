// The older benchmark's server as a child of the harness: Node.js and ws.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { getHeapStatistics } from "node:v8";
import { WebSocketServer } from "ws";
import { main } from "./src/child.mjs";
import { NodeWire } from "./wire.mjs";

/** The largest message that a client may send. */
const INBOUND_BYTES = 64 * 1024;

const packageOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const kernel = (name) => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim();
const address = ({ address, port }) => `${address}:${port}`;

/** Opens the listening socket, or takes the one that it inherited. */
async function listen(plan, offer) {
    const http = createServer();
    const server = new WebSocketServer({
        server: http,
        path: "/ticks",
        perMessageDeflate: false,
        // Automatic pongs would be sent between ticks without being counted.
        autoPong: false,
        maxPayload: INBOUND_BYTES,
    });
    const { listener_fd: fd } = plan;
    // Node.js cannot read either from a socket. A socket that it opened has the kernel's defaults.
    const options = {
        congestion: fd === undefined ? kernel("tcp_congestion_control") : null,
        send_buffer_bytes: Number(kernel("tcp_wmem").split(/\s+/)[1]),
    };
    server.on("connection", (ws, request) => {
        const number = Number(new URL(request.url, "ws://x").searchParams.get("connection") ?? 0);
        const { socket } = request;
        socket.setNoDelay(true);
        const peer = address({ address: socket.remoteAddress, port: socket.remotePort });
        const local = address({ address: socket.localAddress, port: socket.localPort });
        offer({ number, wire: new NodeWire(ws, socket), peer, local, options });
    });
    http.listen(fd === undefined ? { host: "127.0.0.1", port: 0 } : { fd });
    await once(http, "listening");
    const close = () => {
        server.close();
        http.close();
    };
    return { address: address(http.address()), close };
}

function heap() {
    const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
    return { used, most };
}

const versions = [`node ${process.versions.node}`, `ws ${packageOf("./node_modules/ws/package.json").version}`];
await main({ name: "node", title: "Node.js", inherits: true, versions, listen, heap });
