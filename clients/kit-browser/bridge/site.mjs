// Serves the built page on loopback, and holds the page's two lines: one with the
// reader of the ticks, silent while it is measured, and one with the pulse.
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
// Isolated, the page's clock has steps of 5 µs instead of 100, and its threads may
// share memory.
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
  #on_line;

  /**
   * @param {string} folder with the built page
   * @param {(path: string, socket: import("ws").WebSocket) => void} on_line
   * @param {typeof import("ws").WebSocketServer} WebSocketServer
   */
  constructor(folder, on_line, WebSocketServer) {
    this.#on_line = on_line;
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    for (const name of readdirSync(folder).filter((name) => extname(name) in TYPES)) {
      this.#files.set(`/${name}`, readFileSync(join(folder, name)));
    }
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens; the address of the page's file `name` with that query. */
  async open(name, query) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    const words = new URLSearchParams({ ...query, key: this.#key });
    return `http://127.0.0.1:${this.#server.address().port}/${name}?${words}`;
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
    this.#sockets.handleUpgrade(request, socket, head, (line) => this.#on_line(pathname, line));
  }
}
