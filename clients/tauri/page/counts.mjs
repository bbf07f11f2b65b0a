// Counts that the page's own thread sends. In WebKit all that a Web Worker sends passes through
// that thread anyway, and would wait there behind the messages that flood it.
import { open_channel } from "../../kit-browser/page/channel.mjs";
import { Counts } from "../../kit-browser/page/counts.mjs";

/** Twice as often as the harness takes snapshots, every 20 ms. */
const INTERVAL_MS = 10;
/** Between two questions whether to stop. */
const ASK_INTERVAL_MS = 100;
/** In a flood, no timer of the page fires: the reader asks for the time after so many ticks. */
const TICKS_PER_CHECK = 16;

const now_ms = () => performance.timeOrigin + performance.now();

/**
 * Sends counts when they have changed. `by_title`: as the title of the document, which WebKit
 * passes to the app by itself. Its network process does nothing else while it reads the page's
 * own sockets in a flood. `asks`: asks in a flood whether to stop, and waits for the answer. What
 * floods the page by way of the app leaves no other message a turn.
 */
class Sender {
  constructor(counts, { by_title, asks }) {
    this.counts = counts;
    this.by_title = by_title;
    this.asks = asks;
    this.asked_ms = 0;
    this.sent = new Float64Array(2 * counts.connections);
    // As that of kit-browser's counts-worker: first the instant of the reading before this one.
    this.message = new Float64Array(1 + 2 * counts.connections);
    this.now = this.message.subarray(1);
    this.read_ms = now_ms();
    this.is_open = false;
    this.channel = open_channel("/counts", ({ type }) => {
      if (type === "stop") counts.stop();
    });
    // The app calls it: in a flood of the page's own sockets, a message of the channel comes
    // too late.
    globalThis.stop_reader = () => counts.stop();
    this.channel.opened.then(() => {
      this.is_open = true;
      setInterval(() => this.send(), INTERVAL_MS);
    });
  }

  send_if_due() {
    if (!this.is_open || now_ms() - this.read_ms < INTERVAL_MS) return;
    this.send();
    if (this.asks && this.read_ms - this.asked_ms >= ASK_INTERVAL_MS) this.ask();
  }

  ask() {
    this.asked_ms = this.read_ms;
    const request = new XMLHttpRequest();
    request.open("GET", `stopped${location.search}`, false);
    request.send();
    if (request.responseText === "1") this.counts.stop();
  }

  send() {
    this.message[0] = this.read_ms;
    this.read_ms = now_ms();
    this.counts.read(this.now);
    if (this.now.every((count, at) => count === this.sent[at])) return;
    this.sent.set(this.now);
    if (this.by_title) document.title = JSON.stringify([...this.message]);
    else this.channel.socket.send(this.message);
  }
}

/** The counts of a reader on the page's own thread. */
class OwnCounts extends Counts {
  #sender;
  #ticks = 0;

  constructor(connections, how) {
    super(connections);
    this.#sender = new Sender(this, how);
  }

  set_processed(connection, count) {
    super.set_processed(connection, count);
    this.#ticks += 1;
    if (this.#ticks < TICKS_PER_CHECK) return;
    this.#ticks = 0;
    this.#sender.send_if_due();
  }
}

/** How `start_page` is to count; `send` is for a reader in a Web Worker. */
export function own_counts(how) {
  return {
    share: (connections) => new OwnCounts(connections, how),
    send: ({ memory, connections }) => new Sender(new Counts(connections, memory), how),
  };
}
