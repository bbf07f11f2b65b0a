// What the page shows of the ticks.

/** The rate is computed over this time; whether it is over is checked each 64 ticks. */
const RATE_OVER_MS = 500;
const TICKS_PER_CHECK = 64;
/** Rows of the table: the symbols from 0. */
export const ROWS = 8;

/** Counts ticks and makes a view, the page's state, for each. */
export class Metrics {
  #count = 0;
  #rate_per_s = 0;
  #since_ms = performance.now();
  #since_count = 0;

  /** Counts a tick. */
  count() {
    this.#count += 1;
    if (this.#count % TICKS_PER_CHECK === 0) this.#update_rate();
  }

  /** The state to show after this tick. */
  view(symbol, price, processor) {
    this.count();
    return this.newest(symbol, price, processor.last_prices);
  }

  /** The state to show now; `prices` are the last ones by symbol. */
  newest(symbol, price, prices) {
    return { symbol, price, count: this.#count, rate_per_s: this.#rate_per_s, prices };
  }

  #update_rate() {
    const now_ms = performance.now();
    if (now_ms - this.#since_ms < RATE_OVER_MS) return;
    this.#rate_per_s = ((this.#count - this.#since_count) / (now_ms - this.#since_ms)) * 1000;
    this.#since_ms = now_ms;
    this.#since_count = this.#count;
  }
}
