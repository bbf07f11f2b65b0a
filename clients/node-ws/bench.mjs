// The client beside a bare loop that only decodes: `node bench.mjs`. With a URL as its
// argument this is the bare loop.

import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { compare_with_bare_loop } from '../kit-node/loop-bench.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const url = process.argv[2];

if (url === undefined) {
  await compare_with_bare_loop([process.execPath, here('main.mjs')], [process.execPath, here('bench.mjs')]);
} else {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let last;
  socket.on('message', (data) => {
    last = [
      data.readUInt32LE(0),
      data.readDoubleLE(4),
      data.readUInt32LE(12) + data.readInt32LE(16) * 4294967296,
      data.readUInt32LE(20) + data.readUInt32LE(24) * 4294967296,
    ];
  });
  socket.on('close', () => console.log(last.join(' ')));
}
