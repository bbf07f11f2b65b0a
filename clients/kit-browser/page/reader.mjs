// Reads the ticks, in the page's main thread or in a Web Worker: opens the
// WebSockets of the plan, hands each message to the kit's taker, and reports.
import { ABNORMAL, NORMAL, end_detail } from "../../kit-node/close-codes.mjs";
import { Taker } from "../../kit-node/taker.mjs";
import { open_line } from "./bridge.mjs";

/** The page's clock in whole ns; the bridge knows how it stands to the machine's. */
const now_ns = () => Math.round(performance.now() * 1e6);

/** The kit's taker, which also shows each tick, before the tick counts as processed. */
class ShowingTaker extends Taker {
  constructor(plan, show) {
    super(plan, now_ns);
    this.show = show;
  }

  work(symbol, price, ts) {
    super.work(symbol, price, ts);
    this.show(symbol, price, this);
  }
}

/**
 * Waits for the bridge's plan and reads until the end.
 * `counts_for` makes the shared counts when the plan has told how many connections
 * there are; `show` gets each tick, or is null.
 */
export class Reader {
  #plan = null;
  #counts = null;
  #counts_for;
  #show;
  #line;
  #feeds = [];
  #is_done = false;

  constructor(counts_for, show) {
    this.#counts_for = counts_for;
    this.#show = show;
    this.#line = open_line("/reader", (line) => this.#hear(line));
    this.#line.opened.then(() => this.#line.say({ type: "here" }));
  }

  #hear(line) {
    if (line.type === "time") this.#line.say({ type: "time", page_ns: now_ns() });
    if (line.type === "plan") this.#prepare(line.plan);
    if (line.type === "connect") this.#connect();
    if (line.type === "stop") this.#stop();
  }

  /** Comes on its own line, too late in a flood; there the shared counts tell it. */
  #stop() {
    if (!this.#is_done) this.#finish("stopped", null);
  }

  #prepare(plan) {
    this.#plan = plan;
    this.#counts = this.#counts_for(plan.urls.length);
  }

  #connect() {
    const plan = this.#plan;
    this.#feeds = plan.urls.map((url, connection) => {
      const taker = this.#show ? new ShowingTaker(plan, this.#show) : new Taker(plan, now_ns);
      return this.#feed(url, connection, taker);
    });
  }

  #feed(url, connection, taker) {
    const counts = this.#counts;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const feed = { socket, taker, is_open: false, close_code: null };
    socket.onopen = () => {
      feed.is_open = true;
      if (this.#feeds.every(({ is_open }) => is_open)) this.#line.say({ type: "ready" });
    };
    socket.onmessage = ({ data }) => {
      if (counts.is_stopped) return this.#stop();
      counts.set_received(connection, taker.received + 1);
      taker.take(data);
      counts.set_processed(connection, taker.processed);
    };
    socket.onclose = ({ code, wasClean }) => {
      if (this.#is_done) return;
      if (!feed.is_open) return this.#finish("not_connected", url);
      feed.close_code = wasClean ? code : ABNORMAL;
      const codes = this.#feeds.map(({ close_code }) => close_code);
      if (codes.includes(null)) return;
      const unclean = codes.find((code) => code !== NORMAL);
      if (unclean === undefined) this.#finish("closed", null);
      else this.#finish("disconnected", end_detail(unclean));
    };
    return feed;
  }

  #finish(ended, detail) {
    this.#is_done = true;
    for (const { socket } of this.#feeds) {
      socket.onmessage = null;
      socket.close();
    }
    const connections = this.#feeds.map(({ taker }) => ({ books: taker.books(), rows: taker.rows() }));
    this.#line.say({ type: "report", ended, detail, connections });
  }
}
