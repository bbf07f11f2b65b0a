// How ticks come into the page where the socket is not the page's own. Each `open` returns what
// has the events and the `close` of a WebSocket, as kit-browser's reader takes it.
import { ABNORMAL } from "../../kit-node/close-codes.mjs";

/** Stands for a close frame without a code (RFC 6455, section 7.1.5). */
const NO_STATUS = 1005;

const tauri = () => globalThis.__TAURI__;

/** The Rust process has decoded the tick; everything else is done here. */
function process_tick(processor, { symbol, price, ts, seq }) {
  processor.process_tick(symbol, price, ts, seq, processor.count_message());
}

function close(socket, code) {
  socket.onclose({ code, wasClean: code !== ABNORMAL });
}

/** Has the Rust process connect; it reads once all connections are open. */
function connect(socket, connection, ticks) {
  const opened = tauri().core.invoke("open", { connection, ticks });
  opened.then(() => socket.onopen(), () => close(socket, ABNORMAL));
}

/** Each tick is an event. */
export const EVENTS = {
  open(_url, index) {
    const socket = { close() {} };
    const listen = tauri().event.listen;
    const listening = [
      listen(`tick-${index}`, ({ payload }) => socket.onmessage?.({ data: payload })),
      listen(`end-${index}`, ({ payload }) => close(socket, payload)),
    ];
    Promise.all(listening).then(() => connect(socket, index, null));
    return socket;
  },
  process: process_tick,
};

/** Ticks come through a channel, each by itself or in batches. */
export const CHANNEL = {
  open(_url, index) {
    const socket = { close() {} };
    const channel = new (tauri().core.Channel)();
    channel.onmessage = (message) => {
      if (typeof message === "number") close(socket, message);
      else if (Array.isArray(message)) for (const data of message) socket.onmessage?.({ data });
      else socket.onmessage?.({ data: message });
    };
    connect(socket, index, channel);
    return socket;
  },
  process: process_tick,
};

/** What the plugin passes on: a text, bytes as an array of numbers, or the end. */
function receive(socket, message) {
  const { type, data } = message;
  if (type === "Text") socket.onmessage?.({ data });
  else if (type === "Binary") socket.onmessage?.({ data: Uint8Array.from(data) });
  else if (type === "Close") close(socket, data?.code ?? NO_STATUS);
  // An error is its text.
  else if (typeof message === "string") close(socket, ABNORMAL);
}

/** The WebSocket of tauri-plugin-websocket, used as its documentation shows. */
export const PLUGIN = {
  open(url) {
    const socket = { close() {} };
    tauri().websocket.connect(url).then((connection) => {
      connection.addListener((message) => receive(socket, message));
      socket.onopen();
    }, () => close(socket, ABNORMAL));
    return socket;
  },
  process: (processor, data) => processor.process(data),
};
