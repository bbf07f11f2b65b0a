// The ways in which a uWebSockets server sends a message to all of its clients.

/** What every client subscribes to. */
export const TOPIC = "ticks";

/**
 * `send`: each message to each connection, which is a system call for each.
 * `publish`: each message once for all connections; the library collects up to 32 of them.
 * `cork`: the messages of a slice within one cork of each connection, written in one go.
 */
export const MODES = ["send", "publish", "cork"];

/**
 * How the engine broadcasts, or undefined if it sends to each connection itself.
 *
 * @param sockets the open connections, to which later ones are added
 */
export function broadcastOf(mode, server, sockets) {
    switch (mode) {
        case "send":
            return undefined;
        case "publish":
            return { message: (message) => server.publish(TOPIC, message), flush: () => {} };
        case "cork": {
            let collected = [];
            const flush = () => {
                for (const ws of sockets) {
                    ws.cork(() => {
                        for (const message of collected) ws.send(message);
                    });
                }
                collected = [];
            };
            return { message: (message) => collected.push(message), flush };
        }
        default:
            throw new Error(`no mode of broadcast ${mode}`);
    }
}
