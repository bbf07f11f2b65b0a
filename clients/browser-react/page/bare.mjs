// What the bench compares the client with: a page that only counts, or also reads the fields
// of each tick, as every client has to.
const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const socket = new WebSocket(query.get("url"));
socket.binaryType = "arraybuffer";
let [count, sum] = [0, 0];

function count_message() {
  count += 1;
  // All that it sends: the instants of the two counts, by its own clock.
  if (count === from || count === to) socket.send(String(performance.now()));
}

function decode({ data }) {
  const view = new DataView(data);
  const seq = view.getUint32(20, true) + view.getUint32(24, true) * 4294967296;
  sum += view.getUint32(0, true) + view.getFloat64(4, true) + view.getUint32(12, true) + seq;
  count_message();
}

socket.onmessage = query.has("decode") ? decode : count_message;
// Kept, so that no compiler removes the reading.
globalThis.sum_of_fields = () => sum;
