// The page: last price, count, rate and a table of last prices, fed by `setState`.
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
import { Counts } from "../../kit-browser/page/counts.mjs";
import { Feed } from "./metrics.mjs";
import { Reader } from "../../kit-browser/page/reader.mjs";
import { Ticker } from "./ticker.jsx";

const variant = new URLSearchParams(location.search).get("variant") ?? "";

/** A worker with the page's own query: it holds the key to the bridge. */
function work(script) {
  return new Worker(`${script}${location.search}`, { type: "module" });
}

/** Starts the pulse beside these counts. */
function beat({ memory, connections }) {
  work("pulse.js").postMessage({ memory, connections });
}

function counts_for(connections) {
  const counts = new Counts(connections);
  beat(counts);
  return counts;
}

/** Renders the page and returns its `setState`. */
function render() {
  return new Promise((resolve) => {
    createRoot(document.getElementById("root")).render(<Ticker on_mount={resolve} />);
  });
}

/** What is called with each tick. */
async function shower() {
  if (variant === "no-react") return null;
  const set_view = await render();
  const feed = new Feed();
  if (variant === "flush-sync") {
    return (symbol, price, taker) => flushSync(() => set_view(feed.view(symbol, price, taker)));
  }
  return (symbol, price, taker) => set_view(feed.view(symbol, price, taker));
}

/** The WebSockets in a Web Worker: the page gets the newest tick of each frame. */
async function read_in_worker() {
  const set_view = await render();
  const worker = work("reader-worker.js");
  worker.onmessage = ({ data: { counts, view } }) => {
    if (counts) beat(counts);
    else set_view(view);
  };
}

if (variant === "worker") read_in_worker();
else shower().then((show) => new Reader(counts_for, show));
