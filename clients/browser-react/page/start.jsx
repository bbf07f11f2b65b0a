// The page: last price, count, rate and a table of last prices, updated by `setState`. Shared
// with the pages of the Tauri clients.
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
import { send_counts, share_counts } from "../../kit-browser/page/counts.mjs";
import { Reader } from "../../kit-browser/page/reader.mjs";
import { Metrics } from "./metrics.mjs";
import { Ticker } from "./ticker.jsx";

/** Renders the page and returns its `setState`. */
export function render() {
  return new Promise((resolve) => {
    createRoot(document.getElementById("root")).render(<Ticker on_mount={resolve} />);
  });
}

/** What is called with each tick. */
async function make_show(variant) {
  if (variant === "no-react") return null;
  const set_view = await render();
  const metrics = new Metrics();
  if (variant === "flush-sync") {
    return (symbol, price, processor) => flushSync(() => set_view(metrics.view(symbol, price, processor)));
  }
  return (symbol, price, processor) => set_view(metrics.view(symbol, price, processor));
}

/** The WebSockets in a Web Worker: the page gets the newest tick of each frame. */
async function read_in_worker(send) {
  const set_view = await render();
  // With the page's own query: it has the key to the bridge.
  const worker = new Worker(`reader-worker.js${location.search}`, { type: "module" });
  worker.onmessage = ({ data: { counts, view } }) => {
    if (counts) send(counts);
    else set_view(view);
  };
}

/** Counts are sent by a Web Worker. */
const WORKER_COUNTS = { share: share_counts, send: send_counts };

/**
 * Starts the page; `transport` is for the `Reader`, if the ticks do not come by WebSockets of the
 * page, and `counts` is another way to send counts.
 */
export function start_page(variant, { transport, counts = WORKER_COUNTS } = {}) {
  if (variant === "worker") read_in_worker(counts.send);
  else make_show(variant).then((show) => new Reader(counts.share, show, transport));
}
