// A channel to the bridge: a WebSocket that carries JSON, beside those of the ticks.

/** Opens the channel at `path`; `on_message` gets what the bridge sends. */
export function open_channel(path, on_message) {
  const socket = new WebSocket(`ws://${location.host}${path}${location.search}`);
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot connect to the bridge at ${path}`));
  });
  socket.onmessage = ({ data }) => on_message(JSON.parse(data));
  return { opened, socket, send: (message) => socket.send(JSON.stringify(message)) };
}
