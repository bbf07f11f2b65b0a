// The bridge with a real Chromium and a real server: what it reports, and that
// nothing outlives it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../../kit-node/errors.mjs";
import { Bridge, folder, group, plan, room } from "./children.mjs";
import { checksum, flood, frames, serve } from "./ticks.mjs";

const message = (code, fields) => new RunError(code, fields).message;

before(() => {
  const { status } = spawnSync("node", ["build.mjs"], { cwd: folder, stdio: "inherit" });
  assert.equal(status, 0);
});

/** A bridge that is ready, and what its test needs. */
async function connected(t, { args = [], on_connection = () => {}, more = {}, env = {}, name = "" } = {}) {
  const own = room(name);
  const server = await serve(on_connection);
  const bridge = new Bridge(args, { env });
  t.after(async () => {
    bridge.process.kill("SIGKILL");
    await bridge.is_gone();
    server.close();
    own.remove();
  });
  bridge.tell(plan(server.url, own.meter, more));
  const hello = await bridge.hear();
  assert.equal(hello.type, "hello");
  assert.match(hello.versions[0], /^Chrome \d+\./);
  assert.ok(Number.isInteger(hello.clock_error_ns) && hello.clock_error_ns > 0);
  assert.deepEqual(await bridge.hear(), { type: "ready" });
  return { bridge, own };
}

/** Nobody is left of it, and nothing in its folder. */
async function leaves_nothing({ bridge, own }) {
  assert.equal(await bridge.exit, 0, bridge.stderr);
  await bridge.is_gone();
  assert.deepEqual(own.rest(), []);
}

for (const variant of ["", "no-react", "worker", "flush-sync"]) {
  test(`a whole round ${variant}`, async (t) => {
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
    assert.deepEqual(all.own.counts(), { received: 3000, processed: 3000 });
    await leaves_nothing(all);
  });

  test(`stopped in a flood ${variant}`, async (t) => {
    const args = variant ? ["--variant", variant] : [];
    const all = await connected(t, { args, on_connection: flood });
    while (all.own.counts().processed < 2000) await new Promise((resolve) => setTimeout(resolve, 5));
    all.bridge.tell({ type: "stop" });
    const { final } = await all.bridge.report();
    assert.equal(final.ended, "stopped");
    assert.equal(final.received, final.processed);
    assert.equal(final.checksum, checksum(final.processed));
    assert.deepEqual(all.own.counts(), { received: final.received, processed: final.processed });
    await leaves_nothing(all);
  });
}

test("an end of stdin is a stop", async (t) => {
  const all = await connected(t);
  all.bridge.process.stdin.end();
  assert.equal((await all.bridge.report()).final.ended, "stopped");
  await leaves_nothing(all);
});

test("a killed bridge takes its browser along", async (t) => {
  const { bridge, own } = await connected(t, { on_connection: flood });
  assert.ok(group(bridge.process.pid).length > 3);
  bridge.process.kill("SIGKILL");
  await bridge.is_gone();
  assert.equal(own.rest().length, 1);
  // Its profile is left; the next bridge that looks there sweeps it.
  const next = new Bridge();
  next.tell(plan("ws://127.0.0.1:1/", own.meter));
  await next.exit;
  await next.is_gone();
  assert.deepEqual(own.rest(), []);
  assert.equal(next.message(), message("cannot_connect", { url: "ws://127.0.0.1:1/" }));
});

// A path of a socket has no more than 107 bytes.
for (const [name, left] of [["", 1], ["with-a-name-so-long", 2]]) {
  test(`a browser that is killed with its bridge leaves nothing outside its room ${name}`, async (t) => {
    const elsewhere = room();
    t.after(() => elsewhere.remove());
    const { bridge, own } = await connected(t, { env: { TMPDIR: elsewhere.path }, name });
    process.kill(-bridge.process.pid, "SIGKILL");
    await bridge.is_gone();
    assert.equal(own.rest().length, left);
    assert.deepEqual(elsewhere.rest(), []);
  });
}

test("a browser that is not there makes the client unavailable", async (t) => {
  const own = room();
  t.after(() => own.remove());
  const bridge = new Bridge([], { env: { CHROMIUM: "/no/such/chromium" } });
  bridge.tell(plan("ws://127.0.0.1:1/", own.meter));
  assert.equal((await bridge.hear()).type, "hello");
  const program = "/no/such/chromium";
  const reason = message("browser_not_started", { program, detail: `spawn ${program} ENOENT` });
  assert.deepEqual(await bridge.hear(), { type: "unavailable", reason });
  await leaves_nothing({ bridge, own });
});

test("a browser that ends at once makes the client unavailable", async (t) => {
  const own = room();
  t.after(() => own.remove());
  const bridge = new Bridge([], { env: { CHROMIUM: "/bin/false" } });
  bridge.tell(plan("ws://127.0.0.1:1/", own.meter));
  assert.equal((await bridge.hear()).type, "hello");
  const reason = message("browser_ended", { program: "/bin/false", how: "exit code 1" });
  assert.deepEqual(await bridge.hear(), { type: "unavailable", reason });
  await leaves_nothing({ bridge, own });
});

/** A browser that never says a word, and ends, well pleased, when its input does. */
function mute(t) {
  const own = room();
  const program = join(own.path, "mute");
  writeFileSync(program, "#!/bin/sh\ncat <&3 >/dev/null\n", { mode: 0o755 });
  t.after(() => own.remove());
  return { env: { CHROMIUM: program } };
}

test("a browser that is too slow to connect is a failure, and not unavailable", async (t) => {
  const own = room();
  t.after(() => own.remove());
  const bridge = new Bridge([], mute(t));
  bridge.tell(plan("ws://127.0.0.1:1/", own.meter, { connect_deadline_ms: 300 }));
  assert.equal((await bridge.hear()).type, "hello");
  assert.equal(await bridge.hear(), undefined);
  assert.equal(await bridge.exit, 1);
  assert.equal(bridge.message(), message("connect_deadline", { urls: ["ws://127.0.0.1:1/"], ms: 300 }));
  await bridge.is_gone();
  assert.deepEqual(own.rest(), []);
});

for (const [browser, options] of [["that is slow to start", mute], ["that is starting", () => ({})]]) {
  test(`a stop ends a browser ${browser}`, async (t) => {
    const own = room();
    t.after(() => own.remove());
    const bridge = new Bridge([], options(t));
    bridge.tell(plan("ws://127.0.0.1:1/", own.meter));
    while (own.rest().length === 0) await sleep(5);
    bridge.tell({ type: "stop" });
    assert.equal((await bridge.hear()).type, "hello");
    assert.equal((await bridge.report()).final.ended, "stopped");
    await leaves_nothing({ bridge, own });
  });
}

test("an unknown variant is refused", async () => {
  const bridge = new Bridge(["--variant", "fast"]);
  assert.equal(await bridge.hear(), undefined);
  assert.equal(await bridge.exit, 2);
  const known = ["no-react", "worker", "flush-sync"];
  assert.equal(bridge.message(), message("unknown_variant", { variant: "fast", known }));
});
