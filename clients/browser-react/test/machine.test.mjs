// What a machine may lack for Chromium: the client runs all the same, or says in one line what is
// missing. Where that cannot be provoked here, a script stands for Chromium.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { RunError } from "../../kit-node/errors.mjs";
import { Bridge, client_dir, make_workspace, plan, processes_of_group } from "./children.mjs";
import { flood, frames, serve } from "./ticks.mjs";

const TICKS = 100;

before(() => {
  const { status } = spawnSync("node", ["build.mjs"], { cwd: client_dir, stdio: "inherit" });
  assert.equal(status, 0);
});

/** A workspace, and a program in it that stands for Chromium; `body` is shell. */
function stand_in(t, body) {
  const workspace = make_workspace();
  t.after(() => workspace.remove());
  const program = join(workspace.path, "browser");
  writeFileSync(program, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { workspace, program };
}

/** The reason of a bridge that is unavailable and has left nothing. */
async function unavailable(env, workspace) {
  const bridge = new Bridge([], { env });
  bridge.write(plan("ws://127.0.0.1:1/", workspace.meter));
  assert.equal((await bridge.next_line()).type, "hello");
  const { type, reason } = await bridge.next_line();
  assert.equal(type, "unavailable", reason);
  assert.equal(await bridge.exit, 0, bridge.stderr);
  await bridge.is_gone();
  return reason;
}

/** Plays a whole round. */
async function round(t, meter, env, options = {}) {
  const server = await serve((socket) => {
    socket._socket.write(frames(0, TICKS));
    socket.close(1000);
  });
  t.after(() => server.close());
  const bridge = new Bridge([], { env, ...options });
  bridge.write(plan(server.url, meter));
  assert.equal((await bridge.next_line()).type, "hello");
  assert.deepEqual(await bridge.next_line(), { type: "ready" }, bridge.stderr);
  const { final } = await bridge.report();
  assert.deepEqual([final.processed, final.ended], [TICKS, "closed"]);
  assert.equal(await bridge.exit, 0, bridge.stderr);
  await bridge.is_gone();
}

test("a sandbox that is refused is the reason, with what to do", async (t) => {
  // Of Chromium 156, with a seccomp filter that refuses user namespaces.
  const line = "[7:7:1128/192835.342773:ERROR:content/browser/zygote_host/zygote_host_impl_linux.cc:130] No usable sandbox! If this is a Debian system, please install the chromium-sandbox package to solve this problem.";
  const { workspace, program } = stand_in(t, `echo '${line}' >&2; echo '#0 0x5591 base::debug' >&2; exit 1`);
  const reason = await unavailable({ CHROMIUM: program }, workspace);
  assert.ok(reason.startsWith(`${program} has no usable sandbox: `), reason);
  assert.match(reason, /apt-get install chromium-sandbox\), or set CHROMIUM to a script/);
});

test("a browser that ends at once has its fatal message as the reason, not the stack behind it", async (t) => {
  const fatal = "[7:7:1128/1.3:FATAL:base/files.cc:1] Check failed: no room";
  const { workspace, program } = stand_in(t, `echo '${fatal}' >&2; echo '#0 0x5591 base::debug' >&2; kill -TRAP $$`);
  const { message } = new RunError("browser_ended", { program, how: "SIGTRAP", detail: "Check failed: no room" });
  assert.equal(await unavailable({ CHROMIUM: program }, workspace), message);
});

test("the profile of a snap is where snaps may write", async (t) => {
  // It refuses other directories, as the snap does, and is Chromium otherwise.
  const { workspace, program } = stand_in(t, `
test -x /no/such/snap && exec /snap/bin/chromium "$@"
echo "$@" > "$HOME/arguments"
case "$*" in
  *--user-data-dir="$HOME"/snap/chromium/common/*) exec chromium "$@" ;;
esac
echo 'Failed to create SingletonLock: Permission denied (13)' >&2
exit 21`);
  const home = join(workspace.path, "home");
  mkdirSync(home);
  await round(t, workspace.meter, { CHROMIUM: program, HOME: home });
  assert.match(readFileSync(join(home, "arguments"), "utf8"), /--user-data-dir=/);
  assert.deepEqual(readdirSync(join(home, "snap/chromium/common/tick-bench")), []);
});

test("a snap without a directory to write to makes the client unavailable", async (t) => {
  const { workspace, program } = stand_in(t, 'exec snap run chromium "$@"');
  const reason = await unavailable({ CHROMIUM: program, HOME: "/no/such/home" }, workspace);
  const directory = "/no/such/home/snap/chromium/common/tick-bench";
  assert.ok(reason.startsWith(`${program} is a snap, whose profile has to be in ${directory}, `), reason);
  assert.match(reason, /set HOME to a directory below \/home, or CHROMIUM to another Chromium$/);
});

test("a page needs no fonts", async (t) => {
  const { workspace } = stand_in(t, "");
  const none = join(workspace.path, "fonts.conf");
  writeFileSync(none, "<?xml version=\"1.0\"?><fontconfig></fontconfig>\n");
  const env = { FONTCONFIG_FILE: none };
  const listed = spawnSync("fc-list", { env: { ...process.env, ...env }, encoding: "utf8" });
  if (!listed.error) assert.equal(listed.stdout, "");
  await round(t, workspace.meter, env);
});

test("where shared memory is small, neither the profile nor what processes share is there", async (t) => {
  const { workspace, program } = stand_in(t, 'echo "$@" > "$RECORD"; exec chromium "$@"');
  // The meter is in shared memory, as the harness would have it there with a little room.
  const mounted = 'mount -t tmpfs -o size=8m none /dev/shm && mkdir /dev/shm/w && cp "$0" /dev/shm/w/client.meter && exec "$@"';
  const first = ["unshare", "--mount", "sh", "-c", mounted, workspace.meter];
  if (spawnSync(first[0], [...first.slice(1), "true"]).status !== 0) {
    return t.skip("a small /dev/shm needs a mount: root and unshare(1)");
  }
  const record = join(workspace.path, "arguments");
  const env = { CHROMIUM: program, RECORD: record, TMPDIR: workspace.path };
  await round(t, "/dev/shm/w/client.meter", env, { first });
  const args = readFileSync(record, "utf8");
  assert.match(args, / --disable-dev-shm-usage /);
  assert.ok(args.includes(` --user-data-dir=${workspace.path}/tick-browser-`), args);
  assert.deepEqual(workspace.other_files().sort(), ["arguments", "browser"]);
});

test("a browser that is killed in a round is the reason, not its page", async (t) => {
  const { workspace } = stand_in(t, "");
  const server = await serve(flood);
  t.after(() => server.close());
  const bridge = new Bridge();
  bridge.write(plan(server.url, workspace.meter));
  assert.equal((await bridge.next_line()).type, "hello");
  assert.deepEqual(await bridge.next_line(), { type: "ready" });
  const arguments_of = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8");
  const is_browser = (pid) => arguments_of(pid).includes("--user-data-dir=") && !arguments_of(pid).includes("--type=");
  process.kill(processes_of_group(bridge.process.pid).find(is_browser), "SIGKILL");
  assert.equal(await bridge.exit, 1);
  assert.match(bridge.message(), /^chromium ended \(SIGKILL\)/);
  await bridge.is_gone();
});
