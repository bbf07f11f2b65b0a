// The offset of the page's clock to the bridge's: arithmetic only.
//
// In one exchange the bridge reads its clock (`sent_ns`), asks the page for its own
// (`page_ns`) and reads its clock again (`answered_ns`). The page answered in between, so
// `page_ns + offset` is within [sent_ns, answered_ns]: each exchange gives a lowest and a
// highest offset. The true offset is within all of these intervals, and so within their
// intersection, which is narrower than the fastest exchange.
import { RunError } from "../../kit-node/errors.mjs";

/** What Chromium rounds `performance.now()` to in an isolated page, up or down. */
export const RESOLUTION_NS = 5_000n;

/**
 * The offset to add to `page_ns`, and its largest possible error.
 * @param {{sent_ns: bigint, page_ns: bigint, answered_ns: bigint}[]} exchanges
 * @returns {{offset_ns: bigint, error_ns: bigint}}
 */
export function clock_offset(exchanges) {
  if (exchanges.length === 0) throw new RunError("clock_not_read");
  let [lowest, highest] = [null, null];
  for (const { sent_ns, page_ns, answered_ns } of exchanges) {
    // A rounded reading widens the interval on both sides.
    const low = sent_ns - page_ns - RESOLUTION_NS;
    const high = answered_ns - page_ns + RESOLUTION_NS;
    if (lowest === null || low > lowest) lowest = low;
    if (highest === null || high < highest) highest = high;
  }
  if (lowest > highest) throw new RunError("clocks_apart", { apart_ns: lowest - highest });
  // A stamp is rounded once more than the offset.
  const half_ns = (highest - lowest + 1n) / 2n;
  return { offset_ns: lowest + half_ns, error_ns: half_ns + RESOLUTION_NS };
}

/**
 * A stamp of the page on the machine's clock.
 * @param {number} page_ns whole ns since the page's time origin
 * @param {bigint} offset_ns of `clock_offset`
 * @returns {number} exact up to 2^53 ns, 104 days after boot
 */
export function machine_ns(page_ns, offset_ns) {
  return Number(BigInt(page_ns) + offset_ns);
}
