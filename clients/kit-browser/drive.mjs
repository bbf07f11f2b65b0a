// `main` of a client whose reader is a page in headless Chromium: its bridge speaks the
// contract on stdin and stdout, and exchanges messages with the page over loopback.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RunError } from "../kit-node/errors.mjs";
import { exit_with_message } from "../kit-node/stdio.mjs";
import { Bridge } from "./bridge/bridge.mjs";

/** The variant whose page is in a window; all others are headless. */
const WINDOWED = "windowed";

/**
 * Runs a client whose reader is a page.
 * @param {{name: string, directory: string, variants?: string[], WebSocketServer: Function}} client
 *   its name, the directory of the built page with `index.html` and `versions.json`, the
 *   values that `--variant` may have (`windowed` is the page itself, in a window), and the server of `ws`, which carries the page's channels
 */
export function drive({ name, directory, variants = [], WebSocketServer }) {
  const variant = read_arguments(variants);
  const is_windowed = variant === WINDOWED;
  const versions = join(directory, "versions.json");
  if (!existsSync(versions)) exit_with(new RunError("page_not_built"), 1);
  const hello = {
    name,
    versions: JSON.parse(readFileSync(versions, "utf8")),
    runtime: is_windowed ? "Chromium, one page in a window" : "Chromium, one page",
    transport: "Chromium WebSocket",
    class: "application",
    // What waits in front of the page waits in the browser and in the kernel: the page itself
    // holds nothing back, and cannot count what it has not been given.
    queue: { kind: "none", bound: null },
  };
  const bridge = new Bridge(hello, { directory, variant: is_windowed ? "" : variant, is_windowed, WebSocketServer });
  process.on("exit", () => bridge.kill());
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => exit_with(new RunError("ended_by_signal", { signal }), 1));
  }
}

function exit_with(error, code) {
  exit_with_message(error.message, code);
}

function read_arguments(variants) {
  try {
    const { values } = parseArgs({ options: { variant: { type: "string", default: "" } } });
    if (values.variant !== "" && !variants.includes(values.variant)) {
      throw new RunError("unknown_variant", { variant: values.variant, known: variants });
    }
    return values.variant;
  } catch (error) {
    return exit_with(error, 2);
  }
}
