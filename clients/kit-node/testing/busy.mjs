// A client that blocks its event loop. With TEST_CLIENT=stuck it never connects, otherwise
// it processes ticks of its own without end.

import { main } from '../kit.mjs';

const is_stuck = process.env.TEST_CLIENT === 'stuck';

main(
  () => ({
    name: 'busy',
    versions: ['busy 1'],
    runtime: 'none',
    transport: 'none',
    class: 'simulated',
    queue: { kind: process.env.TEST_QUEUE ?? 'none', bound: null },
  }),
  (session) => {
    if (is_stuck) return;
    session.ready();
    setImmediate(flood, session);
  },
);

function flood(session) {
  const view = new DataView(new ArrayBuffer(28));
  view.setFloat64(4, 100, true);
  for (let seq = 0; ; seq += 1) {
    view.setUint32(20, seq, true);
    session.process_binary(view.buffer);
  }
}
