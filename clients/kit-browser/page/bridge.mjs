// A line to the bridge: a WebSocket that carries JSON, beside those of the ticks.

/** Opens a line; `on_line` gets what comes in. */
export function open_line(path, on_line) {
  const socket = new WebSocket(`ws://${location.host}${path}${location.search}`);
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`no line to the bridge at ${path}`));
  });
  socket.onmessage = ({ data }) => on_line(JSON.parse(data));
  return { opened, socket, say: (line) => socket.send(JSON.stringify(line)) };
}
