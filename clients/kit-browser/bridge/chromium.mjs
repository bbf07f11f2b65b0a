// Chromium as a child in the bridge's own process group, driven through the
// DevTools pipe: it tells its version there, and it ends by itself when the pipe
// breaks, also when the bridge is killed.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../kit-node/errors.mjs";

const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
  // Nothing that asks the network or wakes up by itself.
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability",
  "--disable-breakpad", "--metrics-recording-only",
  "--password-store=basic", "--use-mock-keychain",
  // A page that nobody looks at is not slowed down.
  "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/** How long Chromium may take to end by itself. */
const END_MS = 1_000;

const PREFIX = "tick-browser-";

/** What Chromium calls a socket of its own in the folder for temporary files, and the
 * longest path that one may have (unix(7)). */
const SOCKET = "/org.chromium.Chromium.XXXXXX/SingletonSocket";
const PATH_BYTES = 107;

/** Removes the profiles of bridges that were killed before they could. */
function sweep(room) {
  for (const name of readdirSync(room).filter((name) => name.startsWith(PREFIX))) {
    const pid = Number(name.slice(PREFIX.length).split("-")[0]);
    if (!is_alive(pid)) remove(join(room, name), 5);
  }
}

/** Removes a profile, or leaves the rest of it to the next sweep: processes of a killed
 * browser may still write there, and another bridge may be sweeping, too. */
function remove(profile, maxRetries) {
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries, retryDelay: 30 });
  } catch (error) {
    if (!["ENOTEMPTY", "ENOENT", "EBUSY"].includes(error.code)) throw error;
  }
}

function is_alive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** A running Chromium with a new, empty profile. */
export class Chromium {
  #process;
  #profile;
  #waiting = new Map();
  #last_id = 0;
  #stderr = "";

  /**
   * @param {string[]} command the program, after what it is to be started with
   * @param {string} room the folder to make the profile's folder in
   * @param {string} url what it opens
   */
  constructor(command, room, url) {
    const [program, ...first] = command;
    sweep(room);
    this.#profile = mkdtempSync(join(room, `${PREFIX}${process.pid}-`));
    const as_root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const words = [...first, ...FLAGS, ...as_root, `--user-data-dir=${this.#profile}`, url];
    // Its crash handler, which cannot be switched off, would write into the home folder.
    const env = { ...process.env, BREAKPAD_DUMP_LOCATION: this.#profile };
    // What it leaves there when it is killed goes with its profile, or with the room.
    const fits = (place) => Buffer.byteLength(place + SOCKET) <= PATH_BYTES;
    env.TMPDIR = [this.#profile, room].find(fits) ?? env.TMPDIR;
    this.#process = spawn(program, words, { env, stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    /** Settles when it has ended: with an error that says why. */
    this.ended = new Promise((resolve) => {
      this.#process.once("error", ({ message }) => resolve(new RunError("browser_not_started", { program, detail: message })));
      this.#process.once("exit", (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        resolve(new RunError("browser_ended", { program, how, detail: this.#last_message() }));
      });
    });
    const [, , , to, from] = this.#process.stdio;
    for (const pipe of [to, from]) pipe?.on("error", () => {});
    this.#listen(from);
    this.ended.then((error) => this.#give_up(error));
  }

  get pid() {
    return this.#process.pid;
  }

  /** One call of the DevTools protocol. */
  call(method, params = {}) {
    const id = ++this.#last_id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdio[3].write(`${JSON.stringify({ id, method, params })}\0`);
    });
  }

  /** Ends it and removes its profile. */
  async end() {
    // The end of its input is what it ends at; it takes its children along.
    this.#process.stdio[3]?.end();
    this.#process.stdio[4]?.destroy();
    const late = setTimeout(() => this.#process.kill("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(late);
    // Its processes end one after the other, and write until then.
    remove(this.#profile, 10);
  }

  /** The same for a process that cannot wait. */
  abandon() {
    this.#process.kill("SIGKILL");
    remove(this.#profile, 10);
  }

  #listen(pipe) {
    let text = "";
    pipe?.setEncoding("utf8").on("data", (piece) => {
      const lines = (text + piece).split("\0");
      text = lines.pop();
      for (const line of lines) {
        const { id, result, error } = JSON.parse(line);
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (error) waiting?.reject(new RunError("browser_call", { detail: error.message }));
        else waiting?.resolve(result);
      }
    });
  }

  #give_up(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** The last line of its stderr. */
  #last_message() {
    return this.#stderr.trim().split("\n").at(-1).slice(0, 300);
  }
}
