// The lines of the contract, read strictly: an unknown or missing key is an error.

const PLAN_KEYS = [
    "type",
    "contract",
    "format",
    "seed",
    "schedule",
    "tape",
    "connections",
    "duration_ns",
    "sample",
    "send_buffer_bytes",
    "congestion",
    "spin",
    "log_ceiling_bytes",
    "meter",
    "connect_deadline_ms",
    "deadline_ms",
];
/** Keys that may be absent. */
const OPTIONAL_PLAN_KEYS = ["listener_fd"];
const FORMATS = ["binary", "json", "classic-binary", "classic-json"];
const CONTRACT = 2;

/** Rows or seqs on one line. */
export const PER_LINE = 2048;

function check(holds, otherwise) {
    if (!holds) throw new Error(otherwise);
}

function checkKeys(object, known, what, optional = []) {
    const unknown = Object.keys(object).find((key) => !known.includes(key) && !optional.includes(key));
    if (unknown !== undefined) throw new Error(`${what}: unknown key \`${unknown}\``);
    const missing = known.find((key) => !(key in object));
    if (missing !== undefined) throw new Error(`${what}: missing key \`${missing}\``);
}

function parse(line) {
    try {
        return JSON.parse(line);
    } catch (error) {
        throw new Error(`not a contract line: ${error.message}`);
    }
}

/**
 * Reads the plan, with its seed as a bigint.
 *
 * @param runtime its `title`, and whether it `inherits` its listening socket: then it can set no
 *   congestion control itself
 */
export function readPlan(line, { title, inherits }) {
    const plan = parse(line);
    check(plan?.type === "plan", "the first line has to be the plan");
    const { contract, connections, format, sample, schedule } = plan;
    check(contract === CONTRACT, `contract version ${contract}, but this program speaks version ${CONTRACT}`);
    checkKeys(plan, PLAN_KEYS, "the plan", OPTIONAL_PLAN_KEYS);
    check(FORMATS.includes(format), `the plan's format is ${format}: choose ${FORMATS.join(", ")}`);
    check(sample.stride >= 1, "the plan's sample.stride has to be at least 1");
    check(connections >= 1 && connections <= 10_000, `the plan's connections are ${connections}: choose 1 to 10000`);
    check(schedule.kind !== "rate" || schedule.rate_per_s >= 1, "the plan's rate_per_s has to be at least 1");
    check(plan.send_buffer_bytes === null, `${title} cannot set SO_SNDBUF: choose a workload with default buffers`);
    // It can inherit a socket that has it.
    check(
        plan.congestion === null || !inherits || Number.isInteger(plan.listener_fd),
        `${title} cannot set TCP_CONGESTION: send the listening socket that has it as listener_fd`,
    );
    check(inherits || plan.listener_fd === undefined, `${title} cannot listen on the socket listener_fd: leave it out`);
    // 64 bits, of which a number keeps 53.
    const seed = BigInt(/"seed"\s*:\s*(\d+)/.exec(line)[1]);
    return { ...plan, seed };
}

/** Reads a line after the plan: `{ start: ns }` or `{ stop: true }`. */
export function readLine(line) {
    const received = parse(line);
    switch (received?.type) {
        case "start":
            checkKeys(received, ["type", "at_ns"], "start");
            return { start: received.at_ns };
        case "stop":
            checkKeys(received, ["type"], "stop");
            return { stop: true };
        default:
            throw new Error("a line out of order");
    }
}

/** Splits a list into parts that fit on lines. */
export function chunks(list) {
    const all = [];
    for (let at = 0; at < list.length; at += PER_LINE) all.push(list.slice(at, at + PER_LINE));
    return all;
}
