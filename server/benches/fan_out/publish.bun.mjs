// Bun, as in "Publish/subscribe" of its guide: the server publishes to a topic, which
// uWebSockets sends to the connections.
import { dlopen } from "bun:ffi";
import { load, pace } from "./pace.mjs";

// Bun's own clocks count from the start of the process.
const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const CLOCK_MONOTONIC = 1;
const time = new BigInt64Array(2);

function nowNs() {
    libc.symbols.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0] * 1_000_000_000n + time[1];
}

const wanted = load();
let connections = 0;

const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, server) {
        return server.upgrade(request) ? undefined : new Response("a WebSocket is needed", { status: 426 });
    },
    websocket: {
        open(socket) {
            socket.subscribe("ticks");
            connections += 1;
            if (connections === wanted.connections) {
                pace(wanted, nowNs, (payload) => server.publish("ticks", payload));
            }
        },
        message() {},
    },
});
console.error(`ws://127.0.0.1:${server.port}/ticks`);
