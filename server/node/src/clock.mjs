// The monotonic clock.

let read = () => Number(process.hrtime.bigint());

/** The monotonic clock of the machine, in ns: exact as a number for 104 days. */
export const nowNs = () => read();

/** Reads the clock in another way: not every runtime counts from where the machine does. */
export function useClock(other) {
    read = other;
}
