// Reads the lines that come on stdin, as strictly as the harness does, and
// checks a plan before anything is done with it.

import { isIP } from 'node:net';

/** The version of the contract that this kit speaks. */
export const CONTRACT = 2;

const LARGEST = {
  symbols: 2 ** 20,
  queue_bound: 2 ** 24,
  work_ns: 100_000_000,
  seq: 2 ** 60,
  connections: 10_000,
  bytes: 2 ** 31 - 1,
  any: 2 ** 64,
};

/** What is wrong with a line or a plan; its message is for people. */
export class PlanError extends Error {}

const count = (value) => Number.isInteger(value) && value >= 0 && value <= LARGEST.any;
const text = (value) => typeof value === 'string';
const or_null = (kind) => (value) => value === null || kind(value);
const one_of = (...words) => (value) => words.includes(value);
const or_absent = (kind) => Object.assign((value) => kind(value), { may_be_absent: true });
const shape = (keys) => (value) => {
  check_keys(value, keys);
  return true;
};

const SCHEDULES = {
  rate: { rate_per_s: count },
  flood: {},
  burst: { base_per_s: count, burst_per_s: count, period_ns: count, length_ns: count },
  ramp: { from_per_s: count, to_per_s: count, over_ns: count },
  poisson: { rate_per_s: count, seed: count },
  replay: { ticks: count, span_ns: count },
};

const PLAN = {
  contract: count,
  urls: (value) => Array.isArray(value) && value.every(text),
  ca: or_absent(text),
  format: one_of('binary', 'json', 'classic-binary', 'classic-json'),
  symbols: count,
  schedule: (value) => {
    const keys = SCHEDULES[value?.kind];
    return keys !== undefined && shape({ kind: text, ...keys })(value);
  },
  duration_ns: count,
  sample: shape({ first: count, stride: count }),
  work_ns: count,
  queue_bound: count,
  receive_buffer_bytes: or_null(count),
  memory_ceiling_bytes: count,
  meter: or_null(text),
  connect_deadline_ms: count,
  deadline_ms: count,
};

const LINES = { plan: PLAN, stop: {} };

/** Reads one line of stdin: a plan (`type` is "plan") or a stop. */
export function parse_line(line) {
  let value;
  try {
    value = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new PlanError('it is no object');
    }
  } catch (error) {
    throw not_a_line(error.message, line);
  }
  const theirs = value.contract;
  if (value.type === 'plan' && count(theirs) && theirs !== CONTRACT) {
    throw new PlanError(`contract version ${theirs}, but this program speaks version ${CONTRACT}`);
  }
  try {
    const { type, ...rest } = value;
    const keys = text(type) && Object.hasOwn(LINES, type) ? LINES[type] : undefined;
    if (keys === undefined) throw new PlanError(`unknown type \`${type}\``);
    check_keys(rest, keys);
  } catch (error) {
    throw not_a_line(error.message, line);
  }
  return value;
}

function not_a_line(why, line) {
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  const excerpt = line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, 60);
  return new PlanError(`not a contract line: ${one_line(why)}; the line begins \`${excerpt}\``);
}

/** Exactly these keys, each of its kind. */
function check_keys(value, keys) {
  if (typeof value !== 'object' || value === null) throw new PlanError('an object was expected');
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(keys, key)) throw new PlanError(`unknown key \`${key}\``);
  }
  for (const [key, is_sound] of Object.entries(keys)) {
    if (!Object.hasOwn(value, key)) {
      if (is_sound.may_be_absent) continue;
      throw new PlanError(`missing key \`${key}\``);
    }
    if (!is_sound(value[key])) throw new PlanError(`\`${key}\` has a value of the wrong kind`);
  }
}

/**
 * Throws a PlanError when a plan cannot be carried out: which key, what it says, what it
 * should. One under TLS can be by a client that speaks it.
 */
export function check_plan(plan, speaks_tls = false) {
  if (plan.ca !== undefined && !speaks_tls) {
    throw new PlanError('plan: ca: this client speaks no TLS: leave it out');
  }
  within('urls', plan.urls.length, 1, LARGEST.connections);
  within('symbols', plan.symbols, 1, LARGEST.symbols);
  within('sample.first', plan.sample.first, 0, LARGEST.seq);
  within('sample.stride', plan.sample.stride, 1, LARGEST.seq);
  within('work_ns', plan.work_ns, 0, LARGEST.work_ns);
  within('queue_bound', plan.queue_bound, 1, LARGEST.queue_bound);
  within('memory_ceiling_bytes', plan.memory_ceiling_bytes, 1, LARGEST.any);
  within('connect_deadline_ms', plan.connect_deadline_ms, 1, LARGEST.any);
  within('deadline_ms', plan.deadline_ms, 1, LARGEST.any);
  if (plan.receive_buffer_bytes !== null) {
    within('receive_buffer_bytes', plan.receive_buffer_bytes, 1, LARGEST.bytes);
  }
  // A plan with a certificate is under TLS as a whole.
  const scheme = plan.ca === undefined ? 'ws://' : 'wss://';
  for (const url of plan.urls) check_url(url, scheme);
}

function within(key, found, least, most) {
  if (found < least || found > most) {
    throw new PlanError(`plan: ${key} is ${found}: choose ${least} to ${most}`);
  }
}

/** Names are not looked up: a resolver has no place in a measurement. */
function check_url(url, scheme) {
  const rest = url.startsWith(scheme) ? url.slice(scheme.length) : '';
  const parts = /^(\[([^\]/]+)\]|[^:/]+):(\d{1,5})\//.exec(rest);
  const is_address = parts !== null && isIP(parts[2] ?? parts[1]) === (parts[2] ? 6 : 4);
  if (!is_address || Number(parts[3]) > 65535) {
    throw new PlanError(
      `plan: urls is \`${url}\`: it has to be ${scheme}IP:PORT/PATH, such as ${scheme}127.0.0.1:9001/ticks`,
    );
  }
}

/** Words for stderr, whose last line explains a failed row. */
export function one_line(words) {
  return String(words).replace(/\s*[\r\n]+\s*/g, ' ');
}
