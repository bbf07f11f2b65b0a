// What the bench compares the client with: the same component and `setState` for each
// message, without the kit, so without checks, stamps and counts.
import { createRoot } from "react-dom/client";
import { Metrics } from "./metrics.mjs";
import { Ticker } from "./ticker.jsx";

const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const metrics = new Metrics();
const last_prices = new Float64Array(64);

function read(set_view) {
  const socket = new WebSocket(query.get("url"));
  socket.binaryType = "arraybuffer";
  let count = 0;
  socket.onmessage = ({ data }) => {
    const fields = new DataView(data);
    const [symbol, price] = [fields.getUint32(0, true), fields.getFloat64(4, true)];
    last_prices[symbol] = price;
    set_view(metrics.view(symbol, price, { last_prices }));
    count += 1;
    // All that it sends: the instants of the two counts, by its own clock.
    if (count === from || count === to) socket.send(String(performance.now()));
  };
}

createRoot(document.getElementById("root")).render(<Ticker on_mount={read} />);
