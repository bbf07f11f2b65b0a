// A Web Worker beside the reader: tells the bridge the shared counts, and hears
// from it when to stop. A thread of its own, so that neither waits for the reader.
import { open_line } from "./bridge.mjs";
import { Counts } from "./counts.mjs";

/** Often enough for the harness's looks, each 20 ms. */
const EVERY_MS = 10;

self.onmessage = ({ data: { memory, connections } }) => {
  const counts = new Counts(connections, memory);
  const told = new Float64Array(2 * connections);
  // Before the counts: when they were read the last time. The bridge can tell from
  // it how old they had become.
  const line_out = new Float64Array(1 + 2 * connections);
  const now = line_out.subarray(1);
  let read_ms = performance.timeOrigin + performance.now();
  const line = open_line("/pulse", ({ type }) => {
    if (type === "stop") counts.stop();
  });
  line.opened.then(() => {
    setInterval(() => {
      line_out[0] = read_ms;
      read_ms = performance.timeOrigin + performance.now();
      counts.read(now);
      if (now.every((count, at) => count === told[at])) return;
      told.set(now);
      line.socket.send(line_out);
    }, EVERY_MS);
  });
};
