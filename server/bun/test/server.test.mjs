// The server as the harness runs it: a whole run over a real socket. Its pacing, its messages and
// its counts are those of ../node/src, which has tests of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const skip = existsSync(here("../bun")) ? false : "SKIPPED: run `node build.mjs` first";

// The contract's own example of a plan.
const page = readFileSync(here("../../../harness/contract/README.md"), "utf8");
const EXAMPLE = page.split("\n").find((line) => line.startsWith('{"type":"plan"') && line.includes('"seed"'));
const plan = (changes) => ({ ...JSON.parse(EXAMPLE), meter: null, tape: null, duration_ns: 300_000_000, sample: { first: 5, stride: 97 }, ...changes });

const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** More than the answer to a handshake. */
const LEAVE_BYTES = 10_000;

function handshake(path, host) {
    const key = Buffer.from("0123456789abcdef").toString("base64");
    return (
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
    );
}

/** A client that answers pings and the close frame, and counts ticks. */
async function receive(url) {
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    const seqs = [];
    socket.write(handshake(`${pathname}${search}`, `${hostname}:${port}`));
    const answer = (opcode, payload) => {
        // The mask is zero, so that masking changes nothing.
        socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    };
    let bytes = Buffer.alloc(0);
    let isUpgraded = false;
    let code;
    for await (const chunk of socket) {
        bytes = Buffer.concat([bytes, chunk]);
        if (!isUpgraded) {
            const end = bytes.indexOf("\r\n\r\n");
            if (end < 0) continue;
            assert.match(bytes.toString("latin1", 0, end), /^HTTP\/1.1 101 /);
            isUpgraded = true;
            bytes = bytes.subarray(end + 4);
        }
        while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]) {
            const [opcode, length] = [bytes[0] & 15, bytes[1]];
            const payload = Buffer.from(bytes.subarray(2, 2 + length));
            bytes = bytes.subarray(2 + length);
            if (opcode === OPCODES.ping) answer(OPCODES.pong, payload);
            if (opcode === OPCODES.binary) seqs.push(Number(payload.readBigUInt64LE(20)));
            if (opcode === OPCODES.close) {
                code = payload.readUInt16BE();
                answer(OPCODES.close, payload);
                socket.end();
            }
        }
    }
    return { seqs, code };
}

/** A client that leaves with the first ticks. */
async function leave(url) {
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(handshake(`${pathname}${search}`, `${hostname}:${port}`));
    let bytes = 0;
    for await (const chunk of socket) {
        bytes += chunk.length;
        if (bytes > LEAVE_BYTES) break;
    }
    socket.resetAndDestroy();
}

/** Runs the server under a plan, with a client for each of its connections. */
async function run(plan, args = [], client = receive) {
    const server = spawn(here("../bun"), [here("../main.mjs"), ...args], { stdio: ["pipe", "pipe", "pipe"] });
    let stderr = "";
    server.stderr.on("data", (text) => (stderr += text));
    server.stdin.write(`${JSON.stringify(plan)}\n`);
    const lines = [];
    const clients = [];
    let left = plan.connections;
    for await (const text of createInterface({ input: server.stdout })) {
        const line = JSON.parse(text);
        lines.push(line);
        if (line.type === "listening") {
            for (let n = 0; n < plan.connections; n += 1) clients.push(client(`${line.url}?connection=${n}`));
        }
        if (line.type === "connected") left -= 1;
        if (line.type === "connected" && left === 0) {
            // `start` is at an instant of the machine's clock, as that of this process.
            const at_ns = Number(process.hrtime.bigint()) + 20_000_000;
            server.stdin.write(`${JSON.stringify({ type: "start", at_ns })}\n`);
        }
    }
    const [status] = server.exitCode === null ? await once(server, "exit") : [server.exitCode];
    return { lines, clients: await Promise.all(clients), status, stderr };
}

const of = (lines, type) => lines.filter((line) => line.type === type);

const TIMER = { schedule: { kind: "rate", rate_per_s: 3_000 } };
const LOOP = { schedule: { kind: "rate", rate_per_s: 20_000 }, connections: 2 };
const FLOOD = { schedule: { kind: "flood" } };
const SEND = ["--broadcast", "send"];
const CORK = ["--broadcast", "cork"];

for (const [name, changes, args] of [
    ["a timer", TIMER, []],
    ["the loop, for two clients", LOOP, []],
    ["a flood", FLOOD, []],
    ["the loop, sent to each of two clients", LOOP, SEND],
    ["a flood, sent one by one", FLOOD, SEND],
    ["a timer, in corks", TIMER, CORK],
    ["the loop, in corks for two clients", LOOP, CORK],
    ["a flood, in corks", FLOOD, CORK],
]) {
    test(`every tick of ${name} arrives once and in order, and the counts say so`, { skip }, async () => {
        const { lines, clients, status, stderr } = await run(plan(changes), args);
        assert.equal(status, 0, stderr);
        const [final] = of(lines, "final");
        assert.equal(final.ended, "complete");
        assert.equal(final.detail, null);
        assert.ok(final.generated > 100, `${final.generated} ticks`);
        let written = 0;
        for (const { seqs, code } of clients) {
            assert.equal(code, 1000);
            assert.equal(seqs.length, final.generated);
            assert.ok(seqs.every((seq, at) => seq === at));
            written += seqs.length;
        }
        assert.deepEqual([final.written, final.confirmed], [written, written]);
        const rows = of(lines, "samples").flatMap(({ rows }) => rows);
        assert.ok(rows.length > 0);
        const now = Number(process.hrtime.bigint());
        for (const [, encoded, out] of rows) assert.ok(encoded <= out && out < now && now - out < 60e9, "the machine's clock");
    });
}

test("connections have the congestion control of the plan", { skip }, async () => {
    const schedule = { kind: "rate", rate_per_s: 1_000 };
    const { lines } = await run(plan({ schedule, congestion: "reno" }));
    assert.equal(of(lines, "connected")[0].congestion, "reno");
    assert.equal(of(lines, "final")[0].ended, "complete");
    const unknown = await run(plan({ schedule, congestion: "no-such" }));
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /^bun server: cannot set the congestion control no-such/);
});

for (const args of [[], SEND, CORK]) {
    test(`a client that leaves a flood ends the run (${args.join(" ")})`, { skip }, async () => {
        const { lines, status, stderr } = await run(plan({ ...FLOOD, duration_ns: 20_000_000_000 }), args, leave);
        assert.equal(status, 0, stderr);
        assert.equal(of(lines, "final")[0].ended, "abandoned");
    });
}

test("what it cannot do is refused in one line", { skip }, async () => {
    const mode = await run(plan({}), ["--broadcast", "shout"]);
    assert.equal(mode.status, 2);
    assert.equal(mode.stderr, "bun server: --broadcast shout: choose send, publish, cork\n");
    const { status, stderr } = await run(plan({ send_buffer_bytes: 4096 }));
    assert.equal(status, 2);
    assert.equal(stderr, "bun server: Bun cannot set SO_SNDBUF: choose a workload with default buffers\n");
});
