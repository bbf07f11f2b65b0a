// Installs what package-lock.json pins, unless it is installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const here = new URL(".", import.meta.url);

/** The versions in a lock file, by path. */
function versions(file) {
    try {
        const { packages } = JSON.parse(readFileSync(new URL(file, here), "utf8"));
        const named = Object.entries(packages).filter(([path]) => path !== "");
        return JSON.stringify(named.map(([path, { version, integrity }]) => [path, version, integrity]));
    } catch {
        return undefined;
    }
}

// npm writes the second of these when everything is installed.
if (versions("package-lock.json") !== versions("node_modules/.package-lock.json")) {
    const quiet = ["--omit=dev", "--no-audit", "--no-fund"];
    const args = ["ci", ...quiet, "--ignore-scripts", "--prefer-offline", "--fetch-retries=1"];
    const { status } = spawnSync("npm", args, { cwd: here, stdio: ["ignore", 2, 2] });
    process.exitCode = status ?? 1;
}
