// Serves the built page on loopback, and accepts the page's two channels: one with the
// reader of the ticks, silent while it is measured, and one with the worker that sends counts.
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
// In an isolated page the clock has steps of 5 µs instead of 100, and threads may share
// memory.
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

/** The site of one round. */
export class Site {
  #server = createServer((request, response) => this.#serve(request, response));
  #sockets;
  #files = new Map();
  #key = randomBytes(16).toString("hex");
  #on_channel;

  /**
   * @param {string} directory with the built page
   * @param {(path: string, socket: import("ws").WebSocket) => void} on_channel
   * @param {typeof import("ws").WebSocketServer} WebSocketServer
   */
  constructor(directory, on_channel, WebSocketServer) {
    this.#on_channel = on_channel;
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    for (const name of readdirSync(directory).filter((name) => extname(name) in TYPES)) {
      this.#files.set(`/${name}`, readFileSync(join(directory, name)));
    }
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens; returns the URL of the page's file `name` with that query. */
  async open(name, query) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    const parameters = new URLSearchParams({ ...query, key: this.#key });
    return `http://127.0.0.1:${this.#server.address().port}/${name}?${parameters}`;
  }

  close() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve(request, response) {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const file = this.#files.get(pathname);
    if (request.method !== "GET" || file === undefined) {
      response.writeHead(404, HEADERS).end();
      return;
    }
    response.writeHead(200, { ...HEADERS, "content-type": TYPES[extname(pathname)] }).end(file);
  }

  /** Only for the page that was given the key. */
  #upgrade(request, socket, head) {
    const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
    if (searchParams.get("key") !== this.#key) {
      socket.destroy();
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (channel) => this.#on_channel(pathname, channel));
  }
}
