// What the bench puts beside the client: a page that only counts, or also reads
// the fields of each tick, which is what no client can do without.
const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const socket = new WebSocket(query.get("url"));
socket.binaryType = "arraybuffer";
let [count, sum] = [0, 0];

function take() {
  count += 1;
  // The only words it says: when it came to the two counts, by its own clock.
  if (count === from || count === to) socket.send(String(performance.now()));
}

function decode({ data }) {
  const view = new DataView(data);
  const seq = view.getUint32(20, true) + view.getUint32(24, true) * 4294967296;
  sum += view.getUint32(0, true) + view.getFloat64(4, true) + view.getUint32(12, true) + seq;
  take();
}

socket.onmessage = query.has("decode") ? decode : take;
// Kept, so that no compiler finds the reading useless.
globalThis.sum_of_fields = () => sum;
