// What the bench puts beside the client: a page that only counts.
const query = new URLSearchParams(location.search);
const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
const socket = new WebSocket(query.get("url"));
socket.binaryType = "arraybuffer";
let count = 0;
socket.onmessage = () => {
  count += 1;
  // The only words it says: when it came to the two counts, by its own clock.
  if (count === from || count === to) socket.send(String(performance.now()));
};
