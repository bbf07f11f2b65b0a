// A small server of ticks in the `binary` format, for tests and the bench.
import { once } from "node:events";
import { WebSocketServer } from "ws";

const FRAME_BYTES = 30;
const CHUNK_TICKS = 1_000;

/** The bytes of `count` frames, of the ticks from `first_seq` on. */
export function frames(first_seq, count) {
  const bytes = Buffer.alloc(count * FRAME_BYTES);
  for (let index = 0; index < count; index += 1) {
    const [at, seq] = [index * FRAME_BYTES, first_seq + index];
    bytes.writeUInt16BE(0x821c, at);
    bytes.writeUInt32LE(seq % 64, at + 2);
    bytes.writeDoubleLE(price(seq), at + 6);
    bytes.writeBigInt64LE(BigInt(seq), at + 14);
    bytes.writeBigUInt64LE(BigInt(seq), at + 22);
  }
  return bytes;
}

const price = (seq) => (10_000 + (seq % 977)) / 100;

/** The right checksum of the first `count` ticks. */
export function checksum(count) {
  let cents = 0;
  for (let seq = 0; seq < count; seq += 1) cents += 10_000 + (seq % 977);
  return cents;
}

/** A server on loopback; `on_connection(socket, request)` is ws's. */
export async function serve(on_connection) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket, request) => {
    socket.on("error", () => {});
    on_connection(socket, request);
  });
  await once(server, "listening");
  const close = () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  };
  return { url: `ws://127.0.0.1:${server.address().port}/ticks`, close };
}

/** Sends ticks as fast as the peer takes them, until the connection ends. */
export function flood(socket) {
  // Past `ws`, so that thousands of frames go out with one write.
  const raw = socket._socket;
  let seq = 0;
  const write = () => {
    while (!raw.destroyed && raw.write(frames(seq, CHUNK_TICKS))) seq += CHUNK_TICKS;
    seq += CHUNK_TICKS;
  };
  raw.on("drain", write);
  write();
}
