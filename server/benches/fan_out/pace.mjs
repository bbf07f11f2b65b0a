// Pace and payload of the servers in JavaScript, the same for Node.js and Bun: tick n is due at
// start + n/rate, and each turn of the event loop sends those that are due.
import { parseArgs } from "node:util";
import { Market } from "../../node/src/market.mjs";

/** The most messages of one turn, so that sockets are served, too. */
const TURN_MESSAGES = 10_000;
/** Quotes that are computed beforehand and repeated: 64-bit arithmetic is slow in JavaScript,
 *  which is not what is compared. */
const QUOTES = 4096;

/** The load of the command line: `rate` and `connections`. */
export function load() {
    const options = { rate: { type: "string" }, connections: { type: "string" } };
    const { values } = parseArgs({ options });
    return { rate: Number(values.rate), connections: Number(values.connections) };
}

/**
 * Passes each tick to `send` when it is due, from now on and for ever.
 * @param {{rate: number, connections: number}} load
 * @param {() => bigint} nowNs the machine's monotonic clock
 * @param {(payload: Buffer) => void} send
 */
export function pace({ rate, connections }, nowNs, send) {
    const market = new Market(1n);
    const quotes = Array.from({ length: QUOTES }, (_, seq) => market.tick(seq));
    const startNs = nowNs();
    const most = Math.max(1, Math.floor(TURN_MESSAGES / connections));
    const elapsedNs = () => Number(nowNs() - startNs);
    const dueNs = (seq) => Math.floor((seq * 1e9) / rate);
    let next = 0;
    const tick = () => {
        const payload = Buffer.allocUnsafe(28);
        const { symbol, cents } = quotes[next % QUOTES];
        payload.writeUInt32LE(symbol, 0);
        payload.writeDoubleLE(cents / 100, 4);
        payload.writeBigInt64LE(startNs + BigInt(dueNs(next)), 12);
        payload.writeBigUInt64LE(BigInt(next), 20);
        next += 1;
        return payload;
    };
    const turn = () => {
        const now = elapsedNs();
        for (let left = most; left > 0 && dueNs(next) <= now; left -= 1) {
            send(tick());
        }
        const waitMs = (dueNs(next) - elapsedNs()) / 1e6;
        // A timer has whole milliseconds, at least one.
        if (waitMs > 0) setTimeout(turn, waitMs);
        else setImmediate(turn);
    };
    turn();
}
