// A Web Worker beside the reader: sends the shared counts to the bridge, and receives its
// stop. It is a thread of its own, so that neither of them waits for the reader.
import { open_channel } from "./channel.mjs";
import { Counts } from "./counts.mjs";

/** Twice as often as the harness takes snapshots, every 20 ms. */
const INTERVAL_MS = 10;

self.onmessage = ({ data: { memory, connections } }) => {
  const counts = new Counts(connections, memory);
  const sent = new Float64Array(2 * connections);
  // First the instant of the reading before this one, from which the bridge computes how
  // old its counts had become; then the counts.
  const message = new Float64Array(1 + 2 * connections);
  const now = message.subarray(1);
  let read_ms = performance.timeOrigin + performance.now();
  const channel = open_channel("/counts", ({ type }) => {
    if (type === "stop") counts.stop();
  });
  channel.opened.then(() => {
    setInterval(() => {
      message[0] = read_ms;
      read_ms = performance.timeOrigin + performance.now();
      counts.read(now);
      if (now.every((count, at) => count === sent[at])) return;
      sent.set(now);
      channel.socket.send(message);
    }, INTERVAL_MS);
  });
};
