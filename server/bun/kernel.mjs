// What Bun has no function for: socket options, the machine's monotonic clock, and the kernel's
// table of connections.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { dlopen, ptr } from "bun:ffi";

const CLOCK_MONOTONIC = 1;
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
/** States in /proc/net/tcp (include/net/tcp_states.h). */
const TIME_WAIT = 6;
const LISTEN = 10;

/** The C library, under the names that it has on glibc and on musl. */
const NAMES = ["libc.so.6", "libc.so", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
const FUNCTIONS = {
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
};

function open() {
    const errors = [];
    for (const name of NAMES) {
        try {
            return dlopen(name, FUNCTIONS).symbols;
        } catch (error) {
            errors.push(error.message);
        }
    }
    throw new Error(`cannot open the C library: ${errors.join("; ")}`);
}

export function openLibc() {
    const { clock_gettime, setsockopt } = open();
    const time = new BigInt64Array(2);
    return {
        /** `process.hrtime` of Bun counts from the start of the process. */
        monotonicNs() {
            clock_gettime(CLOCK_MONOTONIC, ptr(time));
            return Number(time[0]) * 1e9 + Number(time[1]);
        },
        setCongestion(fd, name) {
            const bytes = Buffer.from(name);
            if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, ptr(bytes), bytes.length) !== 0) {
                throw new Error(`cannot set the congestion control ${name}: is it in net.ipv4.tcp_allowed_congestion_control?`);
            }
        },
    };
}

/** The sockets of /proc/net/tcp: IPv4 only, as the server listens on 127.0.0.1. */
function* sockets() {
    for (const line of readFileSync("/proc/self/net/tcp", "utf8").trim().split("\n").slice(1)) {
        const [, local, peer, state, , , , , , inode] = line.trim().split(/\s+/);
        const port = (address) => Number.parseInt(address.split(":")[1], 16);
        yield { local: port(local), peer: port(peer), state: Number.parseInt(state, 16), inode };
    }
}

/** The descriptor of the socket that listens on a port. */
export function listener(port) {
    const found = [...sockets()].find(({ local, state }) => local === port && state === LISTEN);
    for (const fd of readdirSync("/proc/self/fd")) {
        try {
            if (readlinkSync(`/proc/self/fd/${fd}`) === `socket:[${found?.inode}]`) return Number(fd);
        } catch {
            // The descriptor of the directory itself, which is closed again.
        }
    }
    throw new Error(`no socket listens on port ${port}`);
}

/** The connection with a client's port, unless it has ended on both sides. */
export function connection(port) {
    for (const socket of sockets()) {
        if (socket.peer === port && socket.state !== TIME_WAIT) return socket;
    }
    return undefined;
}
