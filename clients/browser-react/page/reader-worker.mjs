// The reader in a Web Worker: processes every tick there, and sends the page the newest view
// once a frame.
import { Counts } from "../../kit-browser/page/counts.mjs";
import { Reader } from "../../kit-browser/page/reader.mjs";
import { Metrics } from "./metrics.mjs";

const metrics = new Metrics();
let [newest, is_send_due] = [null, false];

function send() {
  is_send_due = false;
  const { symbol, price, processor } = newest;
  // The prices are copied, as all messages are.
  self.postMessage({ view: metrics.newest(symbol, price, processor.last_prices) });
}

function show(symbol, price, processor) {
  metrics.count();
  newest = { symbol, price, processor };
  if (is_send_due) return;
  is_send_due = true;
  self.requestAnimationFrame(send);
}

/** The page starts the worker that sends them. */
function make_counts(connections) {
  const counts = new Counts(connections);
  self.postMessage({ counts: { memory: counts.memory, connections } });
  return counts;
}

new Reader(make_counts, show);
