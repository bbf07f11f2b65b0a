// What Chromium needs of the machine, looked at before it starts: a directory that it may use,
// and shared memory.
import { accessSync, constants, mkdirSync, readFileSync, readlinkSync, statSync, statfsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { RunError } from "../../kit-node/errors.mjs";

/** Less free space than this in memory is too little for a profile, and for what Chromium's
 * processes share: a container has 64 MiB of it by default. */
const MIN_FREE_BYTES = 256 * 1024 * 1024;
const SHARED_MEMORY = "/dev/shm";

/** Longer files are no scripts that only start a program. */
const MAX_SCRIPT_BYTES = 64 * 1024;
/** As the kernel has it (path_resolution(7)). */
const MAX_LINKS = 40;
const SNAP_PATH = /^\/(?:var\/lib\/snapd\/)?snap\/(?:bin\/)?([^/.]+)/;
const SNAP_STARTED = /^[^#\n]*(?:\/snap\/bin\/|\bsnap\s+run\s+)([\w-]+)[^\n]*"\$@"/m;

/**
 * The name of the snap that a program is, or that it starts as Ubuntu's `chromium-browser` does;
 * null: it is none.
 */
export function snap_of(program) {
  let path = found(program);
  for (let links = 0; path !== null && links < MAX_LINKS; links += 1) {
    const snap = SNAP_PATH.exec(path)?.[1];
    if (snap) return snap;
    try {
      path = resolve(dirname(path), readlinkSync(path));
    } catch {
      return SNAP_STARTED.exec(script(path))?.[1] ?? null;
    }
  }
  return null;
}

/**
 * The directory to make a profile in: `workspace_dir`, or another one where Chromium may not
 * write there, or where there is too little room.
 */
export function profile_dir(program, workspace_dir) {
  const snap = snap_of(program);
  if (snap === null) return has_room(workspace_dir) || !has_room(tmpdir()) ? workspace_dir : tmpdir();
  // A snap sees another /tmp than this process, not all of /dev/shm, and no hidden directories.
  const directory = join(homedir(), "snap", snap, "common", "tick-bench");
  try {
    // Making directories below one that cannot be made, as in /proc, never ends in Node.
    statSync(homedir());
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch ({ message }) {
    throw new RunError("browser_is_a_snap", { program, directory, detail: message });
  }
  return directory;
}

/** The options that Chromium needs where shared memory is scarce: it then has files in TMPDIR. */
export function shared_memory_flags() {
  return has_room(SHARED_MEMORY) && is_writable(SHARED_MEMORY) ? [] : ["--disable-dev-shm-usage"];
}

function has_room(directory) {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= MIN_FREE_BYTES;
  } catch {
    return false;
  }
}

function is_writable(directory) {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program; a name is looked up as a shell does. */
function found(program) {
  if (program.includes("/")) return resolve(program);
  const paths = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, program));
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}

/** The text of a script; "" for anything else. */
function script(path) {
  try {
    if (statSync(path).size > MAX_SCRIPT_BYTES) return "";
    const text = readFileSync(path, "utf8");
    return text.startsWith("#!") ? text : "";
  } catch {
    return "";
  }
}
