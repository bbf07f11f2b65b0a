// Reads the ticks, on the page's main thread or in a Web Worker: opens the WebSockets of the
// plan, hands each message to the kit's processor, and reports.
import { ABNORMAL, NORMAL, end_detail } from "../../kit-node/close-codes.mjs";
import { Processor } from "../../kit-node/processor.mjs";
import { open_channel } from "./channel.mjs";

/** The page's clock in whole ns; the bridge knows its offset to the machine's. */
const now_ns = () => Math.round(performance.now() * 1e6);

/** The kit's processor, which also shows each tick, before the tick counts as processed. */
class ShowingProcessor extends Processor {
  constructor(plan, show) {
    super(plan, now_ns);
    this.show = show;
  }

  work(symbol, price, ts) {
    super.work(symbol, price, ts);
    this.show(symbol, price, this);
  }
}

/** How the ticks come: by the page's own WebSockets. */
const OWN_SOCKETS = {
  open: (url) => new WebSocket(url),
  process: (processor, data) => processor.process(data),
};

/**
 * Waits for the bridge's plan and reads until the end.
 * `make_counts(connections)` makes the shared counts once the plan has come;
 * `show(symbol, price, processor)` gets each tick, or is null;
 * `transport` is another way for the ticks to come: `open(url, index)` returns what has the
 * events and the `close` of a WebSocket, and `process(processor, data)` passes on the data of
 * one of its messages.
 */
export class Reader {
  #transport;
  #plan = null;
  #counts = null;
  #make_counts;
  #show;
  #channel;
  #connections = [];
  #is_done = false;

  constructor(make_counts, show, transport = OWN_SOCKETS) {
    this.#make_counts = make_counts;
    this.#show = show;
    this.#transport = transport;
    this.#channel = open_channel("/reader", (message) => this.#on_message(message));
    this.#channel.opened.then(() => this.#channel.send({ type: "loaded" }));
  }

  #on_message(message) {
    if (message.type === "time") this.#channel.send({ type: "time", page_ns: now_ns() });
    if (message.type === "plan") this.#accept_plan(message.plan);
    if (message.type === "connect") this.#connect();
    if (message.type === "stop") this.#stop();
  }

  /** In a flood this message comes too late: then the flag in the shared counts stops the reader. */
  #stop() {
    if (!this.#is_done) this.#finish("stopped", null);
  }

  #accept_plan(plan) {
    this.#plan = plan;
    this.#counts = this.#make_counts(plan.urls.length);
  }

  #connect() {
    const plan = this.#plan;
    this.#connections = plan.urls.map((url, index) => {
      const processor = this.#show ? new ShowingProcessor(plan, this.#show) : new Processor(plan, now_ns);
      return this.#open(url, index, processor);
    });
  }

  #open(url, index, processor) {
    const counts = this.#counts;
    const { process } = this.#transport;
    const socket = this.#transport.open(url, index);
    socket.binaryType = "arraybuffer";
    const connection = { socket, processor, is_open: false, close_code: null };
    socket.onopen = () => {
      connection.is_open = true;
      if (this.#connections.every(({ is_open }) => is_open)) this.#channel.send({ type: "ready" });
    };
    socket.onmessage = ({ data }) => {
      if (counts.is_stopped) return this.#stop();
      counts.set_received(index, processor.received + 1);
      process(processor, data);
      counts.set_processed(index, processor.processed);
    };
    // For a port that it never connects to, WebKit gives no other event.
    socket.onerror = () => {
      if (!connection.is_open) this.#on_close(connection, url, ABNORMAL);
    };
    socket.onclose = ({ code, wasClean }) => this.#on_close(connection, url, wasClean ? code : ABNORMAL);
    return connection;
  }

  #on_close(connection, url, code) {
    if (this.#is_done) return;
    if (!connection.is_open) return this.#finish("not_connected", url);
    connection.close_code = code;
    const codes = this.#connections.map(({ close_code }) => close_code);
    if (codes.includes(null)) return;
    const other = codes.find((close_code) => close_code !== NORMAL);
    if (other === undefined) this.#finish("closed", null);
    else this.#finish("disconnected", end_detail(other));
  }

  #finish(ended, detail) {
    this.#is_done = true;
    for (const { socket } of this.#connections) {
      socket.onmessage = null;
      socket.close();
    }
    const connections = this.#connections.map(({ processor }) => ({
      counts: processor.counts(),
      rows: processor.rows(),
    }));
    this.#channel.send({ type: "report", ended, detail, connections });
  }
}
