// Node.js and its built-in WebSocket (undici), used as in a page.

import { main } from '../kit-node/kit.mjs';

main(identify, open);

function identify() {
  return {
    name: 'node-undici',
    versions: [`node ${process.versions.node}`, `undici ${process.versions.undici}`],
    runtime: 'Node.js, one event loop',
    transport: 'node:net socket (libuv, epoll)',
    class: 'library',
    queue: { kind: 'none', bound: null },
  };
}

function open(session) {
  const socket = new WebSocket(session.url);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => session.ready();
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') session.process_text(data);
    else session.process_binary(data);
  };
  socket.onerror = ({ error }) => session.failed(error ?? new Error('the interface tells no reason'));
  socket.onclose = ({ code }) => session.closed(code);
}
