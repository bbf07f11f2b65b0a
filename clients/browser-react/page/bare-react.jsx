// What the bench puts beside the client with React: the same component and `setState`
// for each message, without the kit: no checks, no stamps, no counts to tell.
import { createRoot } from "react-dom/client";
import { Feed } from "./metrics.mjs";
import { Ticker } from "./ticker.jsx";

const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const feed = new Feed();
const last_prices = new Float64Array(64);

function read(set_view) {
  const socket = new WebSocket(query.get("url"));
  socket.binaryType = "arraybuffer";
  let count = 0;
  socket.onmessage = ({ data }) => {
    const fields = new DataView(data);
    const [symbol, price] = [fields.getUint32(0, true), fields.getFloat64(4, true)];
    last_prices[symbol] = price;
    set_view(feed.view(symbol, price, { last_prices }));
    count += 1;
    // The only words it says: when it came to the two counts, by its own clock.
    if (count === from || count === to) socket.send(String(performance.now()));
  };
}

createRoot(document.getElementById("root")).render(<Ticker on_mount={read} />);
