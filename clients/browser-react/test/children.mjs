// A bridge as the harness starts it: in a process group of its own, with lines on stdin.
import { spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { assert_written_line, plan as minimal_plan } from "../../kit-node/testing/lines.mjs";

export const client_dir = dirname(dirname(fileURLToPath(import.meta.url)));

/** The workspace directory of one test, with a meter in it; `name` makes its path longer. */
export function make_workspace(name = "") {
  const path = mkdtempSync(join(tmpdir(), `browser-react-test-${name}`));
  const meter = join(path, "client.meter");
  const fd = openSync(meter, "w");
  ftruncateSync(fd, 4096);
  writeSync(fd, "TICKMTR1");
  closeSync(fd);
  const count = (at) => Number(readFileSync(meter).readBigUInt64LE(at));
  return {
    path, meter,
    counts: () => ({ received: count(64), processed: count(128) }),
    other_files: () => readdirSync(path).filter((name) => name !== "client.meter"),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const plan = (url, meter, changes = {}) => minimal_plan({ urls: [url], meter, ...changes });

/** A running bridge; `first` is what it is started with, `detached` gives it a group of its own. */
export class Bridge {
  constructor(args = [], { env = {}, first = [], detached = true } = {}) {
    const [program, ...rest] = [...first, "node", join(client_dir, "bridge.mjs"), ...args];
    this.process = spawn(program, rest, {
      detached,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.process.stdin.on("error", () => {});
    this.stderr = "";
    this.process.stderr.on("data", (text) => { this.stderr += text; });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => this.process.once("exit", (code, signal) => resolve(code ?? signal)));
  }

  /** The last line of its stderr. */
  message() {
    return this.stderr.trim().split("\n").at(-1);
  }

  write(line) {
    this.process.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** The next line of its stdout; undefined at the end. */
  async next_line() {
    const { value } = await this.lines.next();
    if (value === undefined) return undefined;
    const line = JSON.parse(value);
    assert_written_line(line);
    return line;
  }

  /** The rows of all `samples` lines, and the `final`. */
  async report() {
    const rows = [];
    for (;;) {
      const line = await this.next_line();
      if (line?.type !== "samples") return { rows, final: line };
      rows.push(...line.rows);
    }
  }

  /** Waits until no process is left in its group. */
  async is_gone() {
    while (processes_of_group(this.process.pid).length > 0) await sleep(10);
  }
}

/** The running processes of a group. */
export const processes_of_group = (number) => processes(({ group }) => group === number);

/** The running children of a process that were started from this program. */
export const children_of = (number, program) => processes(({ parent, name }) => parent === number && name === program);

/** Whether a process runs. */
export const is_running = (number) => processes(({ id }) => id === number).length > 0;

/** The numbers of the running processes that are wanted. */
function processes(is_wanted) {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  return ids.filter((id) => {
    try {
      const stat = readFileSync(`/proc/${id}/stat`, "utf8");
      const name_end = stat.lastIndexOf(")");
      const name = stat.slice(stat.indexOf("(") + 1, name_end);
      const [state, parent, group] = stat.slice(name_end + 2).split(" ");
      return state !== "Z" && is_wanted({ id, name, parent: Number(parent), group: Number(group) });
    } catch {
      return false;
    }
  });
}
