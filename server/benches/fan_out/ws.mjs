// Node.js with ws, as in "Server broadcast" of its README: `send` for each client.
import { WebSocket, WebSocketServer } from "ws";
import { load, pace } from "./pace.mjs";

const wanted = load();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });

server.on("listening", () => console.error(`ws://127.0.0.1:${server.address().port}/ticks`));
server.on("connection", (socket) => {
    socket.on("error", console.error);
    if (server.clients.size === wanted.connections) {
        pace(wanted, process.hrtime.bigint, (payload) => {
            server.clients.forEach((client) => {
                if (client.readyState === WebSocket.OPEN) client.send(payload);
            });
        });
    }
});
