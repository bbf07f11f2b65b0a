// The counts of all connections in memory that the threads of the page share: the
// reader stores them with every message, the pulse reads them at its own times.
// So the reader is asked nothing, and being busy delays no sample. One more place
// says whether to go on.

const STOP = 0;

/** A view of that memory; `memory` is what another thread made. */
export class Counts {
  constructor(connections, memory = new SharedArrayBuffer(4 * (1 + 2 * connections))) {
    this.memory = memory;
    this.places = new Uint32Array(memory);
    this.connections = connections;
  }

  get is_stopped() {
    return Atomics.load(this.places, STOP) !== 0;
  }

  stop() {
    Atomics.store(this.places, STOP, 1);
  }

  set_received(connection, count) {
    Atomics.store(this.places, 1 + 2 * connection, count);
  }

  set_processed(connection, count) {
    Atomics.store(this.places, 2 + 2 * connection, count);
  }

  /** Pairs of received and processed; never more processed than received. */
  read(into) {
    for (let connection = 0; connection < this.connections; connection += 1) {
      const at = 2 * connection;
      into[at + 1] = Atomics.load(this.places, at + 2);
      into[at] = Atomics.load(this.places, at + 1);
    }
  }
}
