// The older benchmark's second server as a child of the harness: uWebSockets, inside Bun.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { main } from "../node/src/child.mjs";
import { broadcastOf, MODES, TOPIC } from "./broadcast.mjs";
import { connection, listener, openLibc } from "./kernel.mjs";
import { BunWire } from "./wire.mjs";

/** The largest message that a client may send. */
const INBOUND_BYTES = 64 * 1024;
const kernel = (name) => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim();
const libc = openLibc();

/** The mode of broadcast; throws for one that it does not have. */
function readMode() {
    const { values } = parseArgs({ options: { broadcast: { type: "string", default: "publish" } } });
    if (MODES.includes(values.broadcast)) return values.broadcast;
    throw new Error(`--broadcast ${values.broadcast}: choose ${MODES.join(", ")}`);
}

/** Opens the listening socket; connections inherit its congestion control. */
async function listen(plan, offer) {
    const mode = readMode();
    const sockets = [];
    const options = {
        congestion: plan.congestion ?? kernel("tcp_congestion_control"),
        send_buffer_bytes: Number(kernel("tcp_wmem").split(/\s+/)[1]),
    };
    const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch(request, server) {
            const { pathname, searchParams } = new URL(request.url);
            const { address, port } = server.requestIP(request);
            const number = Number(searchParams.get("connection") ?? 0);
            const data = { number, peer: `${address}:${port}`, isGone: () => connection(port) === undefined };
            if (pathname === "/ticks" && server.upgrade(request, { data })) return undefined;
            return new Response("only /ticks, and only as a WebSocket\n", { status: 404 });
        },
        websocket: {
            perMessageDeflate: false,
            // Those of the engine carry counts.
            sendPings: false,
            idleTimeout: 0,
            maxPayloadLength: INBOUND_BYTES,
            // Nothing is dropped: the engine ends the round before memory does.
            backpressureLimit: 0,
            closeOnBackpressureLimit: false,
            open(ws) {
                ws.subscribe(TOPIC);
                sockets.push(ws);
                const { number, peer, isGone } = ws.data;
                ws.data.wire = new BunWire(ws, isGone);
                const local = `${server.hostname}:${server.port}`;
                offer({ number, wire: ws.data.wire, peer, local, options });
            },
            message() {},
            // uWebSockets answers pings by itself.
            ping: (ws, payload) => ws.data.wire.onPing(payload.length),
            pong: (ws, payload) => ws.data.wire.onPong(payload),
            close: (ws, code) => ws.data.wire.onEnd(`the connection was closed (${code})`),
        },
    });
    if (plan.congestion !== null) libc.setCongestion(listener(server.port), plan.congestion);
    return {
        address: `${server.hostname}:${server.port}`,
        broadcast: broadcastOf(mode, server, sockets),
        close: () => server.stop(true),
    };
}

await main({
    name: "bun",
    title: "Bun",
    // It has no way to listen on a socket that is open already.
    inherits: false,
    versions: [`bun ${Bun.version}`],
    listen,
    clock: libc.monotonicNs,
});
