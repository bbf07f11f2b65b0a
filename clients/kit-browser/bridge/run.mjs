// The kit's run for a client that is known only once its browser runs: the hello
// waits for the browser's version and for the exchange of times.
import { Run } from "../../kit-node/run.mjs";
import { CONTRACT, format_line } from "../../kit-node/contract.mjs";
import { check_plan } from "../../kit-node/plan.mjs";
import { say } from "../../kit-node/lines.mjs";
import { Meter } from "../../kit-node/meter.mjs";

/** `introduce(run)` starts the browser and resolves to the hello, or to null: it has ended the run. */
export class BridgeRun extends Run {
  #introduce;
  #hello;
  #close;
  #is_greeted = false;
  #is_failing = false;

  /** `hello` is what is known of it before; `close` ends the browser. */
  constructor({ hello, introduce, play, on_stop, close }) {
    super({ identify: () => hello, play, on_stop });
    this.#hello = hello;
    this.#introduce = introduce;
    this.#close = close;
  }

  begin(said) {
    if (said === null || said.type === "stop") return super.begin(said);
    check_plan(said);
    this.meter = new Meter(said.meter, said.urls.length);
    this.plan = said;
    this.has_ceiling = false;
    this.set_timers();
    this.#open().catch((error) => this.fail(error));
  }

  async #open() {
    const hello = await this.#introduce(this);
    if (this.is_stopped) return;
    this.#greet(hello);
    await this.play(this);
  }

  #greet(hello) {
    if (this.#is_greeted) return;
    this.#is_greeted = true;
    say(format_line("hello", { contract: CONTRACT, ...hello }));
  }

  unavailable(error) {
    this.#greet(this.#hello);
    super.unavailable(error);
  }

  /** Once the browser has ended: only then nothing of it is left. */
  fail(error) {
    if (this.#is_failing) return;
    this.#is_failing = true;
    if (!this.is_stopped) this.#greet(this.#hello);
    this.is_stopped = true;
    this.#close().finally(() => super.fail(error));
  }

  /** Once the browser has ended, as above: killed instead, its processes would still
   * write into the profile that is being removed. */
  report(samples, books, ended, detail) {
    this.#greet(this.#hello);
    this.#close().finally(() => super.report(samples, books, ended, detail));
  }
}

