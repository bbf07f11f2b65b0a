// The bridge with a real Chromium and a real server: what it reports, and that nothing
// outlives it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../kit-node/errors.mjs";
import { Bridge, children_of, client_dir, is_running, make_workspace, plan, processes_of_group } from "./children.mjs";
import { checksum, flood, frames, serve } from "./ticks.mjs";

const message = (code, fields) => new RunError(code, fields).message;

before(() => {
  const { status } = spawnSync("node", ["build.mjs"], { cwd: client_dir, stdio: "inherit" });
  assert.equal(status, 0);
});

/** A bridge that is ready, and its workspace. */
async function connected(t, { args = [], on_connection = () => {}, changes = {}, env = {}, name = "" } = {}) {
  const workspace = make_workspace(name);
  const server = await serve(on_connection);
  const bridge = new Bridge(args, { env });
  t.after(async () => {
    bridge.process.kill("SIGKILL");
    await bridge.is_gone();
    server.close();
    workspace.remove();
  });
  bridge.write(plan(server.url, workspace.meter, changes));
  const hello = await bridge.next_line();
  assert.equal(hello.type, "hello");
  assert.match(hello.versions[0], /^Chrome \d+\./);
  assert.ok(Number.isInteger(hello.clock_error_ns) && hello.clock_error_ns > 0);
  assert.deepEqual(await bridge.next_line(), { type: "ready" });
  return { bridge, workspace };
}

/** No process is left of it, and no file in its workspace. */
async function leaves_nothing({ bridge, workspace }) {
  assert.equal(await bridge.exit, 0, bridge.stderr);
  await bridge.is_gone();
  assert.deepEqual(workspace.other_files(), []);
}

for (const variant of ["", "no-react", "worker", "flush-sync", "windowed"]) {
  test(`a complete round is reported ${variant}`, async (t) => {
    const args = variant ? ["--variant", variant] : [];
    const on_connection = (socket) => {
      socket._socket.write(frames(0, 3000));
      socket.close(1000);
    };
    const all = await connected(t, { args, on_connection });
    const { rows, final } = await all.bridge.report();
    assert.deepEqual(final, {
      type: "final", received: 3000, processed: 3000, queued: 0, gaps: 0, duplicates: 0, reorders: 0,
      undecodable: 0, checksum: checksum(3000), ended: "closed", detail: null,
    });
    const planned = Array.from({ length: 3000 }, (_, seq) => seq).filter((seq) => seq % 7 === 3);
    assert.deepEqual(rows.map(([seq]) => seq), planned);
    assert.ok(rows.every(([, received, processed]) => received <= processed));
    assert.deepEqual(all.workspace.counts(), { received: 3000, processed: 3000 });
    await leaves_nothing(all);
  });

  test(`a stop in a flood is reported ${variant}`, async (t) => {
    const args = variant ? ["--variant", variant] : [];
    const all = await connected(t, { args, on_connection: flood });
    while (all.workspace.counts().processed < 2000) await new Promise((resolve) => setTimeout(resolve, 5));
    all.bridge.write({ type: "stop" });
    const { final } = await all.bridge.report();
    assert.equal(final.ended, "stopped");
    assert.equal(final.received, final.processed);
    assert.equal(final.checksum, checksum(final.processed));
    assert.deepEqual(all.workspace.counts(), { received: final.received, processed: final.processed });
    await leaves_nothing(all);
  });
}

test("the end of stdin is a stop", async (t) => {
  const all = await connected(t);
  all.bridge.process.stdin.end();
  assert.equal((await all.bridge.report()).final.ended, "stopped");
  await leaves_nothing(all);
});

test("the browser of a killed bridge ends", async (t) => {
  const { bridge, workspace } = await connected(t, { on_connection: flood });
  assert.ok(processes_of_group(bridge.process.pid).length > 3);
  bridge.process.kill("SIGKILL");
  await bridge.is_gone();
  assert.equal(workspace.other_files().length, 1);
  // Its profile is left; the next bridge there removes it.
  const next = new Bridge();
  next.write(plan("ws://127.0.0.1:1/", workspace.meter));
  await next.exit;
  await next.is_gone();
  assert.deepEqual(workspace.other_files(), []);
  assert.equal(next.message(), message("cannot_connect", { url: "ws://127.0.0.1:1/" }));
});

test("a windowed page has a display of its own, which ends with a killed bridge", async (t) => {
  const env = { DISPLAY: "", WAYLAND_DISPLAY: "" };
  const { bridge } = await connected(t, { args: ["--variant", "windowed"], env, on_connection: flood });
  const displays = children_of(bridge.process.pid, "Xvfb");
  assert.equal(displays.length, 1);
  process.kill(-bridge.process.pid, "SIGKILL");
  await bridge.is_gone();
  while (is_running(displays[0])) await sleep(10);
});

test("a windowed page without a display is unavailable", async (t) => {
  const workspace = make_workspace();
  t.after(() => workspace.remove());
  const bin = join(workspace.path, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  const env = { DISPLAY: "", WAYLAND_DISPLAY: "", PATH: bin };
  const bridge = new Bridge(["--variant", "windowed"], { env });
  bridge.write(plan("ws://127.0.0.1:1/", workspace.meter));
  assert.equal((await bridge.next_line()).type, "hello");
  const reason = message("no_display", { detail: "spawn setpriv ENOENT" });
  assert.deepEqual(await bridge.next_line(), { type: "unavailable", reason });
  await bridge.is_gone();
});

// The path of a socket has at most 107 bytes.
for (const [name, left] of [["", 1], ["with-a-name-so-long", 2]]) {
  test(`a browser that is killed with its bridge leaves nothing outside its workspace ${name}`, async (t) => {
    const elsewhere = make_workspace();
    t.after(() => elsewhere.remove());
    const { bridge, workspace } = await connected(t, { env: { TMPDIR: elsewhere.path }, name });
    process.kill(-bridge.process.pid, "SIGKILL");
    await bridge.is_gone();
    assert.equal(workspace.other_files().length, left);
    assert.deepEqual(elsewhere.other_files(), []);
  });
}

test("a browser that is not there makes the client unavailable", async (t) => {
  const workspace = make_workspace();
  t.after(() => workspace.remove());
  const bridge = new Bridge([], { env: { CHROMIUM: "/no/such/chromium" } });
  bridge.write(plan("ws://127.0.0.1:1/", workspace.meter));
  assert.equal((await bridge.next_line()).type, "hello");
  const program = "/no/such/chromium";
  const reason = message("browser_not_started", { program, detail: `spawn ${program} ENOENT` });
  assert.deepEqual(await bridge.next_line(), { type: "unavailable", reason });
  await leaves_nothing({ bridge, workspace });
});

test("a browser that ends at once makes the client unavailable", async (t) => {
  const workspace = make_workspace();
  t.after(() => workspace.remove());
  const bridge = new Bridge([], { env: { CHROMIUM: "/bin/false" } });
  bridge.write(plan("ws://127.0.0.1:1/", workspace.meter));
  assert.equal((await bridge.next_line()).type, "hello");
  const reason = message("browser_ended", { program: "/bin/false", how: "exit code 1" });
  assert.deepEqual(await bridge.next_line(), { type: "unavailable", reason });
  await leaves_nothing({ bridge, workspace });
});

/** A browser that never answers, and exits with 0 at the end of its input. */
function silent_browser(t) {
  const workspace = make_workspace();
  const program = join(workspace.path, "silent");
  writeFileSync(program, "#!/bin/sh\ncat <&3 >/dev/null\n", { mode: 0o755 });
  t.after(() => workspace.remove());
  return { env: { CHROMIUM: program } };
}

test("a browser that is too slow to connect is a failure, not unavailable", async (t) => {
  const workspace = make_workspace();
  t.after(() => workspace.remove());
  const bridge = new Bridge([], silent_browser(t));
  bridge.write(plan("ws://127.0.0.1:1/", workspace.meter, { connect_deadline_ms: 300 }));
  assert.equal((await bridge.next_line()).type, "hello");
  assert.equal(await bridge.next_line(), undefined);
  assert.equal(await bridge.exit, 1);
  assert.equal(bridge.message(), message("connect_deadline", { urls: ["ws://127.0.0.1:1/"], ms: 300 }));
  await bridge.is_gone();
  assert.deepEqual(workspace.other_files(), []);
});

for (const [browser, options] of [["that is slow to start", silent_browser], ["that is starting", () => ({})]]) {
  test(`a stop ends a browser ${browser}`, async (t) => {
    const workspace = make_workspace();
    t.after(() => workspace.remove());
    const bridge = new Bridge([], options(t));
    bridge.write(plan("ws://127.0.0.1:1/", workspace.meter));
    while (workspace.other_files().length === 0) await sleep(5);
    bridge.write({ type: "stop" });
    assert.equal((await bridge.next_line()).type, "hello");
    assert.equal((await bridge.report()).final.ended, "stopped");
    await leaves_nothing({ bridge, workspace });
  });
}

test("an unknown variant is refused", async () => {
  const bridge = new Bridge(["--variant", "fast"]);
  assert.equal(await bridge.next_line(), undefined);
  assert.equal(await bridge.exit, 2);
  const known = ["no-react", "worker", "flush-sync", "windowed"];
  assert.equal(bridge.message(), message("unknown_variant", { variant: "fast", known }));
});
