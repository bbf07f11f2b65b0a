// The counts of all connections in memory that the threads of the page share: the reader
// stores them with every message, and a worker reads them on its own timer. So the reader is
// asked nothing, and a busy reader delays no reading. One more slot is the stop flag.

const STOP = 0;

/** A view of that memory; `memory` is what another thread made. */
export class Counts {
  constructor(connections, memory = new SharedArrayBuffer(4 * (1 + 2 * connections))) {
    this.memory = memory;
    this.slots = new Uint32Array(memory);
    this.connections = connections;
  }

  get is_stopped() {
    return Atomics.load(this.slots, STOP) !== 0;
  }

  stop() {
    Atomics.store(this.slots, STOP, 1);
  }

  set_received(connection, count) {
    Atomics.store(this.slots, 1 + 2 * connection, count);
  }

  set_processed(connection, count) {
    Atomics.store(this.slots, 2 + 2 * connection, count);
  }

  /** Reads pairs of received and processed; processed never exceeds received. */
  read(into) {
    for (let connection = 0; connection < this.connections; connection += 1) {
      const at = 2 * connection;
      into[at + 1] = Atomics.load(this.slots, at + 2);
      into[at] = Atomics.load(this.slots, at + 1);
    }
  }
}

/** New counts for a reader on the page's main thread, and the worker that sends them. */
export function share_counts(connections) {
  const counts = new Counts(connections);
  send_counts(counts);
  return counts;
}

/** Starts the worker that sends these counts; its URL has the page's query, with the key to the bridge. */
export function send_counts({ memory, connections }) {
  const worker = new Worker(`counts-worker.js${location.search}`, { type: "module" });
  worker.postMessage({ memory, connections });
}
