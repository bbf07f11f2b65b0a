// The market: symbol and price of each tick by its seq alone, the same function as
// tick::Market of the suite.

const MASK = (1n << 64n) - 1n;

/** The finaliser of SplitMix64. */
function mix(z) {
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
}

export class Market {
    #seed;

    /** @param {bigint} seed of 64 bits */
    constructor(seed) {
        this.#seed = mix(seed ^ 0x9e3779b97f4a7c15n);
    }

    /** Symbol, and price in whole cents, of tick `seq`. */
    tick(seq) {
        const n = BigInt(seq);
        let hash = ((n ^ this.#seed) * 0x9fb21c651e98df25n) & MASK;
        hash ^= hash >> 32n;
        const symbol = Number((hash >> 26n) & 63n);
        const phase = Number(((n >> 10n) + BigInt(symbol) * 1021n) & 0xffffn);
        const wave = phase < 0x8000 ? phase : 0xffff - phase;
        return { symbol, cents: 10_000 + symbol * 1000 + wave + Number(hash & 0x3fn) };
    }
}
