// The lines of the contract, strictly: an unknown or missing key is an error.

const PLAN = [
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
const FORMATS = ["binary", "json", "classic-binary", "classic-json"];
const CONTRACT = 2;

/** Rows, or seqs, on one line. */
export const PER_LINE = 2048;

function demand(holds, otherwise) {
    if (!holds) throw new Error(otherwise);
}

function keys(object, known, what) {
    const unknown = Object.keys(object).find((key) => !known.includes(key));
    if (unknown !== undefined) throw new Error(`${what}: unknown key \`${unknown}\``);
    const lacking = known.find((key) => !(key in object));
    if (lacking !== undefined) throw new Error(`${what}: missing key \`${lacking}\``);
}

function parse(line) {
    try {
        return JSON.parse(line);
    } catch (error) {
        throw new Error(`not a contract line: ${error.message}`);
    }
}

/** The plan, with its seed as a bigint. */
export function plan(line) {
    const plan = parse(line);
    demand(plan?.type === "plan", "the first line has to be the plan");
    const { contract, connections, format, sample, schedule } = plan;
    demand(contract === CONTRACT, `contract version ${contract}, but this program speaks version ${CONTRACT}`);
    keys(plan, PLAN, "the plan");
    demand(FORMATS.includes(format), `the plan's format is ${format}: choose ${FORMATS.join(", ")}`);
    demand(sample.stride >= 1, "the plan's sample.stride has to be at least 1");
    demand(connections >= 1 && connections <= 10_000, `the plan's connections are ${connections}: choose 1 to 10000`);
    demand(schedule.kind !== "rate" || schedule.rate_per_s >= 1, "the plan's rate_per_s has to be at least 1");
    // Node.js offers neither socket option.
    demand(plan.send_buffer_bytes === null, "Node.js cannot set SO_SNDBUF: choose a workload with default buffers");
    demand(plan.congestion === null, "Node.js cannot set TCP_CONGESTION: choose a workload without it");
    // 64 bits, of which a number would keep 53.
    const seed = BigInt(/"seed"\s*:\s*(\d+)/.exec(line)[1]);
    return { ...plan, seed };
}

/** A line after the plan: `{ start: ns }` or `{ stop: true }`. */
export function word(line) {
    const said = parse(line);
    switch (said?.type) {
        case "start":
            keys(said, ["type", "at_ns"], "start");
            return { start: said.at_ns };
        case "stop":
            keys(said, ["type"], "stop");
            return { stop: true };
        default:
            throw new Error("a line out of order");
    }
}

/** Cuts a list into what fits on lines. */
export function chunks(list) {
    const all = [];
    for (let at = 0; at < list.length; at += PER_LINE) all.push(list.slice(at, at + PER_LINE));
    return all;
}
