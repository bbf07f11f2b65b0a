// Where a browser's window is: on the user's display, or on a virtual one of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { RunError } from "../../kit-node/errors.mjs";

/** Writes the number that it found free to its stdout. */
const XVFB = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"];
/** However this process ends, the kernel asks it to end then, and it removes its lock and socket. */
const END_TOGETHER = ["--pdeathsig", "TERM"];

/** A display. */
export class Display {
  #server;

  /** What a program needs in its environment to open a window there. */
  env = {};

  /** The display of the environment, or a new one. Rejects where neither is possible. */
  async open() {
    if (process.env.WAYLAND_DISPLAY || process.env.DISPLAY) return;
    // Nothing in its environment by which it could be found and killed, which it must not be.
    const options = { detached: true, env: { PATH: process.env.PATH }, stdio: ["ignore", "pipe", "ignore"] };
    this.#server = spawn("setpriv", [...END_TOGETHER, ...XVFB], options);
    const ended = once(this.#server, "exit").then(([code]) => `exit code ${code}`, ({ message }) => message);
    const { stdout } = this.#server;
    const number = once(stdout.setEncoding("utf8"), "data").then(([text]) => text.trim());
    const first = await Promise.race([number.then((name) => ({ name })), ended.then((detail) => ({ detail }))]);
    if (first.name === undefined) throw new RunError("no_display", { detail: first.detail });
    this.env = { DISPLAY: `:${first.name}` };
  }

  /** Ends a virtual display. */
  async close() {
    const server = this.#server;
    const is_running = server?.pid !== undefined && server.exitCode === null && server.signalCode === null;
    if (!is_running) return;
    const ended = once(server, "exit");
    this.kill();
    await ended;
  }

  /** The same for a process that cannot wait. */
  kill() {
    this.#server?.kill("SIGTERM");
  }
}
