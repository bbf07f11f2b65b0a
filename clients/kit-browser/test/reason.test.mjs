// Why a browser ended, from what Chromium writes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ended_error, last_message, refusing_setting } from "../bridge/reason.mjs";

const BUS = "[7:9:1128/192749.1:ERROR:dbus/bus.cc:405] Failed to connect to the bus: no such file";
const STACK = "#0 0x55d2c8 base::debug::StackTrace\n#1 0x55d2c9 main\n  r8: 0000000000000000  r9: 00007ffd5b8a1c30\n[end of stack trace]\n";

test("the fatal message is the reason, without its prefix and whatever follows", () => {
  const fatal = "[7:7:1128/192835.3:FATAL:content/zygote.cc:130] Check failed: fd >= 0";
  assert.equal(last_message(`${BUS}\n${fatal}\n${STACK}Received signal 6\n${BUS}\n`), "Check failed: fd >= 0");
});

test("without a fatal one it is the last message that explains something", () => {
  const lock = "[7:7:1128/1.3:ERROR:process_singleton_posix.cc(353)] Failed to create /x/SingletonLock: Permission denied (13)";
  assert.equal(last_message(`${lock}\n${BUS}\n`), "Failed to create /x/SingletonLock: Permission denied (13)");
  const libraries = "chromium: error while loading shared libraries: libnss3.so: cannot open shared object file";
  assert.equal(last_message(`${libraries}\n`), libraries);
  assert.equal(last_message(`${BUS}\n`), "Failed to connect to the bus: no such file");
  assert.equal(last_message(""), "");
});

test("a sandbox that is refused, and fonts that are missing, have their own errors", () => {
  for (const line of [
    "[7:7:1128/192835.3:FATAL:zygote_host_impl_linux.cc(127)] No usable sandbox! If you are running on Ubuntu 23.10+ or another",
    "Failed to move to new namespace: PID namespaces supported, but failed: errno = Operation not permitted",
    "[7:7:1128/1.3:FATAL:setuid_sandbox_host.cc(163)] The SUID sandbox helper binary was found, but is not configured correctly.",
  ]) {
    const { code, message } = ended_error("chromium", "SIGTRAP", `${line}\n${STACK}`);
    assert.equal(code, "browser_without_sandbox");
    assert.match(message, /^chromium has no usable sandbox: .*, or set CHROMIUM to a script/);
  }
  const fonts = "[7:7:1128/1.3:FATAL:platform_font_skia.cc(97)] Could not find any font: sans";
  assert.equal(
    ended_error("chromium", "SIGTRAP", fonts).message,
    "chromium found no fonts (Could not find any font: sans): apt-get install fonts-dejavu-core",
  );
  assert.equal(ended_error("chromium", "exit code 1", "").message, "chromium ended (exit code 1)");
});

test("the setting that refuses user namespaces is found", () => {
  const read = (values) => (name) => values[name] ?? null;
  assert.deepEqual(refusing_setting(read({ "kernel.apparmor_restrict_unprivileged_userns": "1" })), {
    name: "kernel.apparmor_restrict_unprivileged_userns", found: "1", wanted: "0",
  });
  assert.equal(refusing_setting(read({ "user.max_user_namespaces": "0" })).wanted, "10000");
  assert.equal(refusing_setting(read({ "kernel.unprivileged_userns_clone": "1" })), null);
});
