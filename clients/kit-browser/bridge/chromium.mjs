// Chromium as a child in the bridge's own process group, driven through the DevTools pipe. It
// ends by itself when the pipe breaks, also when the bridge is killed.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../kit-node/errors.mjs";
import { ended_error, last_message } from "./reason.mjs";
import { profile_dir, shared_memory_flags } from "./surroundings.mjs";

const FLAGS = [
  "--remote-debugging-pipe",
  "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
  // Nothing that uses the network or wakes up by itself.
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability",
  "--disable-breakpad", "--metrics-recording-only",
  "--password-store=basic", "--use-mock-keychain",
  // A page in the background is not slowed down.
  "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/** How long Chromium may take to end by itself. */
const END_MS = 1_000;
/** Between two attempts to remove a profile; the first few, and while processes still end. */
const REMOVE_INTERVAL_MS = 30;
const FEW_ATTEMPTS = 5;
const MANY_ATTEMPTS = 10;

/** Characters of its stderr that are kept: a fatal message has a long stack behind it. */
const STDERR_CHARS = 16_000;

/** A profile's directory begins with this and the number of the bridge's process. */
const PREFIX = "tick-browser-";

/** The name of a socket that Chromium makes in the directory for temporary files, and the
 * longest path of a socket (unix(7)). */
const SOCKET = "/org.chromium.Chromium.XXXXXX/SingletonSocket";
const MAX_SOCKET_PATH_BYTES = 107;

/** Removes the profiles of bridges that were killed before they could. */
function remove_stale_profiles(workspace_dir) {
  for (const name of readdirSync(workspace_dir).filter((name) => name.startsWith(PREFIX))) {
    const pid = Number(name.slice(PREFIX.length).split("-")[0]);
    if (!is_alive(pid)) remove(join(workspace_dir, name), FEW_ATTEMPTS);
  }
}

/** Removes a profile, or leaves the rest of it to the next bridge: processes of a killed
 * browser may still write there, and another bridge may be removing it, too. */
function remove(profile, maxRetries) {
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries, retryDelay: REMOVE_INTERVAL_MS });
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
  #pending = new Map();
  #last_id = 0;
  #stderr = "";

  /**
   * @param {string[]} command the program, after what it is to be started with
   * @param {string} workspace_dir the directory to make the profile's directory in, where it can
   *   be made there
   * @param {string} url what it opens
   * @param {{env: object} | null} display where its window is; without one it is headless
   */
  constructor(command, workspace_dir, url, display = null) {
    const [program, ...first] = command;
    const directory = profile_dir(command.at(-1), workspace_dir);
    remove_stale_profiles(directory);
    this.#profile = mkdtempSync(join(directory, `${PREFIX}${process.pid}-`));
    const as_root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const headless = display === null ? ["--headless=new"] : [];
    const flags = [...headless, ...FLAGS, ...shared_memory_flags(), ...as_root];
    const args = [...first, ...flags, `--user-data-dir=${this.#profile}`, url];
    // Its crash handler, which cannot be switched off, would write into the home directory.
    const env = { ...process.env, ...display?.env, BREAKPAD_DUMP_LOCATION: this.#profile };
    // What it leaves there when it is killed is removed with its profile, or with the workspace.
    const fits = (path) => Buffer.byteLength(path + SOCKET) <= MAX_SOCKET_PATH_BYTES;
    env.TMPDIR = [this.#profile, directory].find(fits) ?? env.TMPDIR;
    this.#process = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
    /** Resolves when it has ended, to an error that says why. */
    this.ended = new Promise((resolve) => {
      this.#process.once("error", ({ message }) => resolve(new RunError("browser_not_started", { program, detail: message })));
      this.#process.once("exit", (code, signal) => {
        resolve(ended_error(program, signal ?? `exit code ${code}`, this.#stderr));
      });
    });
    const [, , , to, from] = this.#process.stdio;
    for (const pipe of [to, from]) pipe?.on("error", () => {});
    this.#read_answers(from);
    this.ended.then((error) => this.#reject_pending(error));
  }

  /** What it wrote last that explains something. */
  get last_message() {
    return last_message(this.#stderr);
  }

  get pid() {
    return this.#process.pid;
  }

  /** One call of the DevTools protocol. */
  call(method, params = {}) {
    const id = ++this.#last_id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#process.stdio[3].write(`${JSON.stringify({ id, method, params })}\0`);
    });
  }

  /** Ends it and removes its profile. */
  async end() {
    // It ends at the end of its input, and its children with it.
    this.#process.stdio[3]?.end();
    this.#process.stdio[4]?.destroy();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(timer);
    // Its processes end one after the other, and write until then.
    remove(this.#profile, MANY_ATTEMPTS);
  }

  /** The same for a process that cannot wait. */
  kill() {
    this.#process.kill("SIGKILL");
    remove(this.#profile, MANY_ATTEMPTS);
  }

  #read_answers(pipe) {
    let text = "";
    pipe?.setEncoding("utf8").on("data", (chunk) => {
      const answers = (text + chunk).split("\0");
      text = answers.pop();
      for (const answer of answers) {
        const { id, result, error } = JSON.parse(answer);
        const pending = this.#pending.get(id);
        this.#pending.delete(id);
        if (error) pending?.reject(new RunError("browser_call", { detail: error.message }));
        else pending?.resolve(result);
      }
    });
  }

  #reject_pending(error) {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
