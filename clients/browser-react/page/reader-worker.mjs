// The reader in a Web Worker: decodes every tick there, and sends the page the
// newest view once a frame.
import { Counts } from "../../kit-browser/page/counts.mjs";
import { Feed } from "./metrics.mjs";
import { Reader } from "../../kit-browser/page/reader.mjs";

const feed = new Feed();
let [newest, is_due] = [null, false];

function send() {
  is_due = false;
  const { symbol, price, taker } = newest;
  // A copy of the prices goes along, as messages are copied.
  self.postMessage({ view: feed.newest(symbol, price, taker.last_prices) });
}

function show(symbol, price, taker) {
  feed.count();
  newest = { symbol, price, taker };
  if (is_due) return;
  is_due = true;
  self.requestAnimationFrame(send);
}

function counts_for(connections) {
  const counts = new Counts(connections);
  self.postMessage({ counts: { memory: counts.memory, connections } });
  return counts;
}

new Reader(counts_for, show);
