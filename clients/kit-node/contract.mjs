// The lines of the contract, each key once, with what its value has to be. Reading, the
// errors about keys and values, and writing derive from these tables.

import { ContractError } from './errors.mjs';

/** The version of the contract that this kit speaks. */
export const CONTRACT = 2;

const MAX_SEQ = 2 ** 60;

// Kinds of values: each throws when `value`, at the key `key`, is not of its kind.
const fail = (code, fields) => {
  throw new ContractError(code, fields);
};
const integer = (least, most) => (value, key) => {
  if (!Number.isInteger(value) && typeof value !== 'bigint') fail('wrong_kind', { key });
  within(value, least, most, key);
};
const count = integer(0, 2 ** 64);
const text = (value, key) => {
  if (typeof value !== 'string') fail('wrong_kind', { key });
};
const one_of = (...names) => (value, key) => {
  if (!names.includes(value)) fail('wrong_kind', { key });
};
const list = (kind, least = 0, most = Infinity) => (value, key) => {
  if (!Array.isArray(value)) fail('wrong_kind', { key });
  within(value.length, least, most, key);
  for (const each of value) kind(each, key);
};
const or_null = (kind) => (value, key) => {
  if (value !== null) kind(value, key);
};
const or_absent = (kind) => Object.assign((value, key) => kind(value, key), { may_be_absent: true });
const object = (keys) => (value, key) => check_keys(value, keys, key);
/** An object whose other keys depend on the one named `kind`. */
const object_by_kind = (kinds) => (value, key) => {
  if (!Object.hasOwn(kinds, value?.kind)) fail('wrong_kind', { key });
  check_keys(value, { kind: text, ...kinds[value.kind] }, key);
};

const SCHEDULES = {
  rate: { rate_per_s: count },
  flood: {},
  burst: { base_per_s: count, burst_per_s: count, period_ns: count, length_ns: count },
  ramp: { from_per_s: count, to_per_s: count, over_ns: count },
  poisson: { rate_per_s: count, seed: count },
  replay: { ticks: count, span_ns: count },
};

/** The lines that a client reads. */
export const READ = {
  plan: {
    contract: count,
    urls: list(text, 1, 10_000),
    ca: or_absent(text),
    format: one_of('binary', 'json', 'classic-binary', 'classic-json'),
    symbols: integer(1, 2 ** 20),
    schedule: object_by_kind(SCHEDULES),
    duration_ns: count,
    sample: object({ first: integer(0, MAX_SEQ), stride: integer(1, MAX_SEQ) }),
    work_ns: integer(0, 100_000_000),
    queue_bound: integer(1, 2 ** 24),
    receive_buffer_bytes: or_null(integer(1, 2 ** 31 - 1)),
    memory_ceiling_bytes: integer(1, 2 ** 64),
    meter: or_null(text),
    connect_deadline_ms: integer(1, 2 ** 64),
    deadline_ms: integer(1, 2 ** 64),
  },
  stop: {},
};

/** The lines that a client writes. */
export const WRITTEN = {
  hello: {
    contract: count,
    name: text,
    versions: list(text),
    runtime: text,
    transport: text,
    class: one_of('reference', 'library', 'tuned', 'simulated', 'application'),
    queue: object({ kind: one_of('none', 'bounded', 'unbounded'), bound: or_null(count) }),
    clock_error_ns: or_absent(count),
  },
  unavailable: { reason: text },
  ready: {},
  samples: { connection: count, rows: list(list(count, 3, 3)) },
  final: {
    received: count,
    processed: count,
    queued: count,
    gaps: count,
    duplicates: count,
    reorders: count,
    undecodable: count,
    checksum: count,
    ended: one_of('closed', 'stopped', 'deadline', 'memory_ceiling', 'disconnected'),
    detail: or_null(text),
    counts_age_ns: or_absent(count),
  },
};

const COUNTS = Object.keys(WRITTEN.final).filter((key) => WRITTEN.final[key] === count);

/** The counts of `final` over all connections; zeros without any. */
export function sum_counts(connections) {
  const sum = (key) => connections.reduce((total, counts) => total + counts[key], 0);
  return Object.fromEntries(COUNTS.map((key) => [key, sum(key)]));
}

/** Reads a line: its `type` and its keys. Throws a ContractError. */
export function parse_line(line) {
  let value;
  try {
    value = JSON.parse(line);
  } catch (error) {
    fail('not_json', { detail: error.message, line });
  }
  if (!is_object(value)) fail('not_an_object', { line });
  const { type, ...fields } = value;
  const theirs = fields.contract;
  if (type === 'plan' && Number.isInteger(theirs) && theirs !== CONTRACT) {
    fail('other_version', { theirs, ours: CONTRACT });
  }
  if (!Object.hasOwn(READ, type)) fail('unknown_type', { type, line });
  check_fields(type, fields, READ[type], line);
  return value;
}

/** A line to be written. Stamps may be BigInts. Throws a ContractError. */
export function format_line(type, fields = {}) {
  const keys = WRITTEN[type];
  check_fields(type, fields, keys);
  const present = Object.keys(keys).filter((key) => fields[key] !== undefined);
  const pairs = present.map((key) => `,"${key}":${to_json(fields[key])}`);
  return `{"type":"${type}"${pairs.join('')}}\n`;
}

/** As JSON.stringify, which refuses BigInts. */
function to_json(value) {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(to_json).join(',')}]`;
  return JSON.stringify(value);
}

function check_fields(type, fields, keys, line) {
  try {
    check_keys(fields, keys);
  } catch (error) {
    const about = { ...error.fields, type };
    // A value out of its range stands on a line that can be read.
    fail(error.code, error.code === 'out_of_range' ? about : { ...about, line });
  }
}

/** Exactly these keys, each of its kind; `above` is the key of the object itself. */
function check_keys(value, keys, above) {
  if (!is_object(value)) fail('wrong_kind', { key: above });
  const path = (key) => (above === undefined ? key : `${above}.${key}`);
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(keys, key));
  if (unknown !== undefined) fail('unknown_key', { key: path(unknown) });
  for (const [key, kind] of Object.entries(keys)) {
    if (value[key] !== undefined) kind(value[key], path(key));
    else if (!kind.may_be_absent) fail('missing_key', { key: path(key) });
  }
}

function is_object(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function within(found, least, most, key) {
  if (found < least || found > most) fail('out_of_range', { key, found, least, most });
}
