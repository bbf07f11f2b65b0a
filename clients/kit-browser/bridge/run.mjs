// The kit's run for a client whose hello depends on its browser: it waits for the browser's
// version and for the exchange of times.
import { Run } from "../../kit-node/run.mjs";

/**
 * `start_browser(run)` starts the browser and resolves to the hello, or to null when it has
 * ended the run; `hello` is what is known before that; `close` ends the browser.
 */
export class BridgeRun extends Run {
  #start_browser;
  #hello;
  #close;
  #has_hello = false;
  #is_failing = false;

  constructor({ hello, start_browser, connect, on_stop, close }) {
    super({ connect, on_stop });
    this.#hello = hello;
    this.#start_browser = start_browser;
    this.#close = close;
  }

  begin() {
    this.set_timers();
    this.#start().catch((error) => this.fail(error));
  }

  async #start() {
    const hello = await this.#start_browser(this);
    if (this.is_stopped) return;
    this.write_hello(hello);
    await this.connect(this);
  }

  /** Only the first one is written. */
  write_hello(hello) {
    if (this.#has_hello) return;
    this.#has_hello = true;
    super.write_hello(hello);
  }

  unavailable(error) {
    this.write_hello(this.#hello);
    super.unavailable(error);
  }

  /** Ends the browser first, so that nothing of it is left. */
  fail(error) {
    if (this.#is_failing) return;
    this.#is_failing = true;
    if (!this.is_stopped) this.write_hello(this.#hello);
    this.is_stopped = true;
    this.#close().finally(() => super.fail(error));
  }

  /** Ends the browser first, as above: if it was killed instead, its processes would still
   * write into the profile that is being removed. */
  report(samples, counts, ended, detail) {
    this.write_hello(this.#hello);
    this.#close().finally(() => super.report(samples, counts, ended, detail));
  }
}
