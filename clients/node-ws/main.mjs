// Node.js + ws, used as its documentation shows: a WebSocket and its events.

import { createRequire } from 'node:module';
import WebSocket from 'ws';
import { MAX_MESSAGE_BYTES, main } from '../kit-node/kit.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');
/** How long the server may take to close the TCP connection after the close frames. */
const CLOSE_TIMEOUT_MS = 1000;

main(identify, open, { speaks_tls: true });

function identify(plan) {
  return {
    name: 'node-ws',
    versions: [`node ${process.versions.node}`, `ws ${version}`],
    runtime: 'Node.js, one event loop',
    transport: `${plan.ca === undefined ? 'node:net' : 'node:tls'} socket (libuv, epoll)`,
    class: 'library',
    queue: { kind: 'none', bound: null },
  };
}

function open(session) {
  const socket = new WebSocket(session.url, {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    ...(session.ca && { ca: session.ca }),
    closeTimeout: CLOSE_TIMEOUT_MS,
  });
  socket.on('open', () => session.ready());
  socket.on('message', (data, is_binary) => {
    if (is_binary) session.process_binary(data);
    else session.process_text(data.toString());
  });
  socket.on('error', (error) => session.failed(error));
  socket.on('close', (code) => session.closed(code));
}
