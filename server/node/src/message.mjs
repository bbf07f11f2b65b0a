// One message, made once and repeated. In formats with a seq only that is updated: clients could
// not count otherwise.

/** Bytes before each payload: every tick is shorter than 126 bytes. */
export const HEADER_BYTES = 2;

const CENTS = (cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;

function binary({ symbol, cents }, ts, bytes) {
    const payload = Buffer.alloc(bytes);
    payload.writeUInt32LE(symbol, 0);
    payload.writeDoubleLE(cents / 100, 4);
    payload.writeBigInt64LE(BigInt(ts), 12);
    return payload;
}

/** The same payload for every seq. */
function same(payload) {
    return { of: () => payload, frameBytes: () => HEADER_BYTES + payload.length };
}

/**
 * Messages of a format that all have the same tick, made at `madeNs` of the monotonic clock
 * and `unixMs` since the Unix epoch.
 */
export function message(format, tick, madeNs, unixMs) {
    const { symbol, cents } = tick;
    switch (format) {
        case "classic-binary":
            return same(binary(tick, unixMs, 20));
        case "classic-json":
            return same(`{"symbol":${symbol},"price":${CENTS(cents)},"ts":${unixMs}}`);
        case "json": {
            const head = `{"symbol":${symbol},"price":${CENTS(cents)},"ts":${madeNs},"seq":`;
            return {
                of: (seq) => `${head}${seq}}`,
                frameBytes: (seq) => HEADER_BYTES + head.length + String(seq).length + 1,
            };
        }
        case "binary": {
            const head = binary(tick, madeNs, 28);
            return {
                of: (seq) => {
                    // A copy for each: a message that waits in the socket must not change.
                    const payload = Buffer.allocUnsafe(28);
                    head.copy(payload, 0, 0, 20);
                    payload.writeUInt32LE(seq >>> 0, 20);
                    payload.writeUInt32LE(Math.floor(seq / 2 ** 32), 24);
                    return payload;
                },
                frameBytes: () => HEADER_BYTES + 28,
            };
        }
        default:
            throw new Error(`unknown format ${format}`);
    }
}
