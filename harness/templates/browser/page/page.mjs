// Shows the last price, once a frame. Decoding, checks and counts are the kit's: what
// is called with each tick, below, is yours.
import { Counts } from "../{{kit}}/kit-browser/page/counts.mjs";
import { Reader } from "../{{kit}}/kit-browser/page/reader.mjs";

const output = document.getElementById("price");
let [newest, is_due] = [0, false];

function paint() {
  is_due = false;
  output.value = newest.toFixed(2);
}

function show(symbol, price) {
  newest = price;
  if (is_due) return;
  is_due = true;
  requestAnimationFrame(paint);
}

/** The counts of all connections, in memory that a worker tells the bridge. */
function counts_for(connections) {
  const counts = new Counts(connections);
  const pulse = new Worker(`pulse.js${location.search}`, { type: "module" });
  pulse.postMessage({ memory: counts.memory, connections });
  return counts;
}

new Reader(counts_for, show);
