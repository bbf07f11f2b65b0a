// The client beside a bare loop that only decodes:
// `node --experimental-websocket bench.mjs`. With a URL as its argument this is the bare loop.

import { fileURLToPath } from 'node:url';
import { compare_with_bare_loop } from '../kit-node/loop-bench.mjs';

const node = [process.execPath, '--experimental-websocket'];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const url = process.argv[2];

if (url === undefined) {
  await compare_with_bare_loop([...node, here('main.mjs')], [...node, here('bench.mjs')]);
} else {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let last;
  socket.onmessage = ({ data }) => {
    const view = new DataView(data);
    last = [
      view.getUint32(0, true),
      view.getFloat64(4, true),
      view.getUint32(12, true) + view.getInt32(16, true) * 4294967296,
      view.getUint32(20, true) + view.getUint32(24, true) * 4294967296,
    ];
  };
  socket.onclose = () => console.log(last.join(' '));
}
