// The lines of the contract as the Rust workspace writes them (`clients/kit/fixtures`), for
// tests and benches inside the suite.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const FIXTURES = new URL('../../kit/fixtures/', import.meta.url);

export const read_fixture = (name) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'));

export const LINES = read_fixture('lines.json');

/** A plan with all required keys, changed by `changes`. */
export const plan = (changes = {}) => ({ ...LINES.read.plan.minimal, ...changes });

/** Fails for a line of a client that has not the keys of the Rust types. */
export function assert_written_line(line) {
  assert.ok(Object.hasOwn(LINES.written, line.type), `unknown type ${line.type}`);
  const { all_keys, minimal } = LINES.written[line.type];
  for (const key of Object.keys(line)) assert.ok(Object.hasOwn(all_keys, key), `unknown key ${key}`);
  for (const key of Object.keys(minimal)) assert.ok(Object.hasOwn(line, key), `missing key ${key}`);
}
