// What the bench puts beside the client: a page that only counts.
const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const socket = new WebSocket(query.get("url"));
socket.binaryType = "arraybuffer";
let [count, since_ms] = [0, 0];
socket.onmessage = () => {
  count += 1;
  if (count === from) since_ms = performance.now();
  if (count === to) socket.send(String(((to - from) / (performance.now() - since_ms)) * 1000));
};
