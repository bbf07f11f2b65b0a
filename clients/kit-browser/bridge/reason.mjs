// Why Chromium ended, from its stderr.
import { readFileSync } from "node:fs";
import { RunError } from "../../kit-node/errors.mjs";

const MAX_CHARS = 300;
/** What stands before Chromium's messages: process, thread, time, level, source. */
const PREFIX = /^\[[\d:/.]+:(?:(\w+):)?[^\]]*\] /;
/** Lines that explain nothing: a stack, registers, and a message bus that is not there. */
const NOISE = /^(?:#\d+ 0x|\s*(?:r\w+|[a-z]{2,3}): [0-9a-f]{16}|\[end of stack trace\]|Received signal |Trace\/breakpoint trap|Aborted)|\bdbus\//;

const NO_SANDBOX = /No usable sandbox|Failed to move to new namespace|SUID sandbox helper/;
const NO_FONTS = /Could not find any font/i;

/** Settings that forbid the namespaces of Chromium's sandbox, and the value that does. */
const SETTINGS = [
  ["kernel.apparmor_restrict_unprivileged_userns", "1", "0"],
  ["kernel.unprivileged_userns_clone", "0", "1"],
  ["user.max_user_namespaces", "0", "10000"],
];

/** The error for a browser that ended: with what this machine lacks, or in its own words. */
export function ended_error(program, how, stderr) {
  const detail = last_message(stderr);
  if (NO_SANDBOX.test(stderr)) return new RunError("browser_without_sandbox", { program, setting: refusing_setting() });
  if (NO_FONTS.test(detail)) return new RunError("browser_without_fonts", { program, detail });
  return new RunError("browser_ended", { program, how, detail });
}

/** Chromium's last message that explains something: the fatal one, if there is one. */
export function last_message(stderr) {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const explaining = lines.filter((line) => !NOISE.test(line));
  const fatal = explaining.findLast((line) => PREFIX.exec(line)?.[1] === "FATAL");
  const line = fatal ?? explaining.at(-1) ?? lines.at(-1) ?? "";
  return line.trim().replace(PREFIX, "").slice(0, MAX_CHARS);
}

/** The first setting that refuses a sandbox: `{ name, found, wanted }`, or null. */
export function refusing_setting(read = sysctl) {
  const refusing = SETTINGS.find(([name, value]) => read(name) === value);
  if (!refusing) return null;
  const [name, found, wanted] = refusing;
  return { name, found, wanted };
}

function sysctl(name) {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
  } catch {
    return null;
  }
}
