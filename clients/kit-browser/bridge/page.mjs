// The page as the bridge sees it: Chromium with the site in it, and what the page
// says over its two lines.
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../kit-node/errors.mjs";
import { Chromium } from "./chromium.mjs";
import { agree } from "./clock.mjs";
import { Site } from "./site.mjs";

/** Exchanges of times before and after the run, and how long all may take. */
const EXCHANGES = 200;
const EXCHANGES_MS = 250;

/** A page in its browser. Whatever ends it too early rejects what is awaited. */
export class Page {
  #chromium = null;
  #here = null;
  #site;
  #reader = null;
  #pulse = null;
  #awaited = new Map();
  #lost = null;
  #is_ended = false;

  /**
   * @param {{program: string, room: string, folder: string, variant: string,
   *   on_counts: (counts: Float64Array) => void,
   *   WebSocketServer: typeof import("ws").WebSocketServer}} how
   */
  constructor(how) {
    this.how = how;
    this.#site = new Site(how.folder, (path, socket) => this.#take_line(path, socket), how.WebSocketServer);
  }

  /** Starts Chromium with the page; its version. Rejects when it cannot start. */
  async start() {
    const { program, room, variant } = this.how;
    const url = await this.#site.open("index.html", { variant });
    this.#here = this.expect("here");
    // Awaited later; until then its failure is that of the start.
    this.#here.catch(() => {});
    this.#chromium = new Chromium([program], room, url);
    this.#chromium.ended.then((error) => this.#lose(error));
    const { product } = await this.#chromium.call("Browser.getVersion");
    return product;
  }

  /** Waits for the page's reader. */
  async load() {
    await this.#here;
  }

  /**
   * Exchanges times with the thread that stamps, at least once if `once`: after a flood
   * that its server goes on with, the browser may be busy for seconds with what it
   * throws away.
   */
  async exchange(once) {
    const exchanges = [];
    const is_late = sleep(EXCHANGES_MS, null, { ref: false });
    while (exchanges.length < EXCHANGES) {
      const answer = this.expect("time");
      const sent_ns = process.hrtime.bigint();
      this.#reader.send('{"type":"time"}');
      const must = once && exchanges.length === 0;
      const heard = await (must ? answer : Promise.race([answer, is_late]));
      if (heard === null) break;
      exchanges.push({ sent_ns, page_ns: BigInt(heard.page_ns), heard_ns: heard.heard_ns });
    }
    return exchanges;
  }

  /** The next line of that type. */
  expect(type) {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => this.#awaited.set(type, { resolve, reject }));
  }

  /** Tells the reader. */
  tell(line) {
    this.#reader.send(JSON.stringify(line));
  }

  /** Tells reader and pulse to stop: the one is quicker when it is idle, the other in a flood. */
  stop() {
    for (const line of [this.#pulse, this.#reader]) line?.send('{"type":"stop"}');
  }

  /** Ends it all; nothing is left behind. */
  async end() {
    this.#is_ended = true;
    this.#site.close();
    await this.#chromium?.end();
  }

  /** What can be done while the process is ending. */
  abandon() {
    this.#chromium?.abandon();
  }

  #take_line(path, socket) {
    socket.on("error", () => {});
    socket.on("close", () => this.#lose(new RunError("page_gone")));
    if (path === "/pulse") {
      this.#pulse = socket;
      socket.on("message", (data) => this.how.on_counts(floats(data)));
      this.#settle("pulse", {});
    } else {
      this.#reader = socket;
      socket.on("message", (data) => {
        const heard_ns = process.hrtime.bigint();
        const line = JSON.parse(data);
        this.#settle(line.type, { ...line, heard_ns });
      });
    }
  }

  #settle(type, line) {
    const awaited = this.#awaited.get(type);
    this.#awaited.delete(type);
    awaited?.resolve(line);
  }

  #lose(error) {
    if (this.#is_ended) return;
    this.#lost ??= error;
    for (const { reject } of this.#awaited.values()) reject(this.#lost);
    this.#awaited.clear();
  }
}

function floats(data) {
  // A copy: where it lies in its buffer is not aligned.
  return new Float64Array(new Uint8Array(data).buffer);
}
