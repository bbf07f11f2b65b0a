// Which programs are snaps.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { snap_of } from "../bridge/surroundings.mjs";

test("a snap is known by its path, by a link to it, and by a script that starts it", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "kit-browser-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const script = (name, text) => {
    writeFileSync(join(directory, name), text, { mode: 0o755 });
    return join(directory, name);
  };
  symlinkSync("/snap/bin/chromium", join(directory, "link"));
  symlinkSync("link", join(directory, "second-link"));
  // As Ubuntu's package chromium-browser has it.
  const ubuntu = "#!/bin/sh\nif ! [ -x /snap/bin/chromium ]; then\n  exit 1\nfi\nexec /snap/bin/chromium \"$@\"\n";
  for (const [program, snap] of [
    ["/snap/bin/chromium", "chromium"],
    ["/snap/bin/chromium.chromedriver", "chromium"],
    ["/snap/chromium/2890/usr/lib/chromium-browser/chrome", "chromium"],
    ["/var/lib/snapd/snap/bin/brave", "brave"],
    [join(directory, "second-link"), "chromium"],
    [script("ubuntu", ubuntu), "chromium"],
    [script("run", "#!/bin/sh\nexec /usr/bin/snap run chromium \"$@\"\n"), "chromium"],
    [script("debian", "#!/bin/sh\n# not exec /snap/bin/chromium \"$@\"\nexec /usr/lib/chromium/chromium \"$@\"\n"), null],
    [script("no-script", ubuntu.slice(1)), null],
    ["/usr/lib/snapshot/chromium", null],
    [join(directory, "none"), null],
    ["no-such-program", null],
  ]) {
    assert.equal(snap_of(program), snap, program);
  }
});
