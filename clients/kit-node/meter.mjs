// The meter: a small shared file, where the harness reads from outside how far a client has
// come. Node.js cannot map files, so each count is written with pwrite.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { ContractError } from './errors.mjs';

const MAGIC = 'TICKMTR1';
const PAGE_BYTES = 4096;
const RECEIVED_AT = 64;
const PROCESSED_AT = 128;
/** From the counters of one connection to those of the next. */
const STRIDE_BYTES = 128;
const COUNTER_BYTES = 8;

/** The meter file of a run; with null as its path, nothing is written. */
export class Meter {
  constructor(path, connections) {
    this.fd = path === null ? -1 : open(path, connections);
    this.bytes = new Uint8Array(COUNTER_BYTES);
    this.halves = new Uint32Array(this.bytes.buffer);
  }

  /** Stores the counts of one connection, received first. */
  write(connection, received, processed) {
    if (this.fd < 0) return;
    this.write_counter(RECEIVED_AT + connection * STRIDE_BYTES, received);
    this.write_counter(PROCESSED_AT + connection * STRIDE_BYTES, processed);
  }

  write_counter(at, count) {
    this.halves[0] = count;
    this.halves[1] = count / 4294967296;
    writeSync(this.fd, this.bytes, 0, COUNTER_BYTES, at);
  }
}

function open(path, connections) {
  let fd = -1;
  try {
    fd = openSync(path, 'r+');
    const head = Buffer.alloc(MAGIC.length);
    readSync(fd, head, 0, MAGIC.length, 0);
    const pages = Math.ceil((STRIDE_BYTES * (connections + 1)) / PAGE_BYTES);
    if (head.toString('latin1') !== MAGIC || fstatSync(fd).size !== pages * PAGE_BYTES) {
      throw new Error('not a meter file');
    }
    return fd;
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw new ContractError('bad_meter', { detail: error.message });
  }
}
