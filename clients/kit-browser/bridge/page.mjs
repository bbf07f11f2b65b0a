// The page as the bridge sees it: Chromium with the site in it, and the messages on its two
// channels.
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../kit-node/errors.mjs";
import { Chromium } from "./chromium.mjs";
import { Display } from "./display.mjs";
import { Site } from "./site.mjs";

/** Exchanges of times before and after the run, and how long all of them may take. */
const EXCHANGES = 200;
const EXCHANGES_MS = 250;
/** How long a browser may take to end after its page closed a connection. */
const ENDING_MS = 500;

/** A page in its browser. If it ends too early, all pending promises are rejected. */
export class Page {
  #options;
  #chromium = null;
  #display;
  #loaded = null;
  #site;
  #reader = null;
  #counts = null;
  #pending = new Map();
  #error = null;
  #is_ended = false;

  /**
   * @param {{program: string, workspace_dir: string, directory: string, variant: string,
   *   is_windowed: boolean, on_counts: (counts: Float64Array) => void,
   *   WebSocketServer: typeof import("ws").WebSocketServer}} options
   */
  constructor(options) {
    this.#options = options;
    this.#display = options.is_windowed ? new Display() : null;
    const on_channel = (path, socket) => this.#accept_channel(path, socket);
    this.#site = new Site(options.directory, on_channel, options.WebSocketServer);
  }

  /** Starts Chromium with the page and returns its version. Rejects when it cannot start. */
  async start() {
    const { program, workspace_dir, variant } = this.#options;
    await this.#display?.open();
    const url = await this.#site.open("index.html", { variant });
    // A stop came first.
    if (this.#is_ended) throw new RunError("page_gone");
    this.#loaded = this.next_message("loaded");
    // It is awaited later; until then its failure is that of the start.
    this.#loaded.catch(() => {});
    this.#chromium = new Chromium([program], workspace_dir, url, this.#display);
    this.#chromium.ended.then((error) => this.#fail(error));
    const { product } = await this.#chromium.call("Browser.getVersion");
    return product;
  }

  /** Waits for the page's reader. */
  async load() {
    await this.#loaded;
  }

  /**
   * Exchanges times with the thread that stamps; with `at_least_once` it waits for the first
   * exchange. After a flood that its server continues, the browser may be busy for seconds
   * with what it discards.
   */
  async exchange_times(at_least_once) {
    const exchanges = [];
    const timeout = sleep(EXCHANGES_MS, null, { ref: false });
    while (exchanges.length < EXCHANGES) {
      const answer = this.next_message("time");
      const sent_ns = process.hrtime.bigint();
      this.send({ type: "time" });
      const must_wait = at_least_once && exchanges.length === 0;
      const message = await (must_wait ? answer : Promise.race([answer, timeout]));
      if (message === null) break;
      exchanges.push({ sent_ns, page_ns: BigInt(message.page_ns), answered_ns: message.received_ns });
    }
    return exchanges;
  }

  /** The next message of that type. */
  next_message(type) {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => this.#pending.set(type, { resolve, reject }));
  }

  /** Sends a message to the reader. */
  send(message) {
    this.#reader.send(JSON.stringify(message));
  }

  /** Sends the stop to both: the reader gets it sooner when it is idle, the worker in a flood. */
  stop() {
    for (const channel of [this.#counts, this.#reader]) channel?.send('{"type":"stop"}');
  }

  /** Ends the browser and the site; nothing is left behind. */
  async end() {
    this.#is_ended = true;
    this.#site.close();
    await this.#chromium?.end();
    await this.#display?.close();
  }

  /** What can be done while the process exits. */
  kill() {
    this.#chromium?.kill();
    this.#display?.kill();
  }

  #accept_channel(path, socket) {
    socket.on("error", () => {});
    socket.on("close", () => this.#on_page_gone());
    if (path === "/counts") {
      this.#counts = socket;
      socket.on("message", (data) => this.#options.on_counts(floats(data)));
      this.#resolve("counts", {});
    } else {
      this.#reader = socket;
      socket.on("message", (data) => {
        const received_ns = process.hrtime.bigint();
        const message = JSON.parse(data);
        this.#resolve(message.type, { ...message, received_ns });
      });
    }
  }

  /** A browser that ends closes its connections first, and its own reason says more. */
  async #on_page_gone() {
    const ended = await Promise.race([this.#chromium.ended, sleep(ENDING_MS, null, { ref: false })]);
    this.#fail(ended ?? new RunError("page_gone", { detail: this.#chromium.last_message }));
  }

  #resolve(type, message) {
    const pending = this.#pending.get(type);
    this.#pending.delete(type);
    pending?.resolve(message);
  }

  #fail(error) {
    if (this.#is_ended) return;
    this.#error ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#error);
    this.#pending.clear();
  }
}

function floats(data) {
  // A copy, as the bytes are not aligned in their buffer.
  return new Float64Array(new Uint8Array(data).buffer);
}
