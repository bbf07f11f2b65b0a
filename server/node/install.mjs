// Installs what a package-lock.json pins, unless it is installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** npm asks this often for what does not answer within a minute. */
const PATIENCE = ["--fetch-retries=1", "--fetch-timeout=60000"];

/**
 * The versions in a lock file, by path; without those of other machines, which npm leaves out.
 *
 * @param {URL} file
 */
function versions(file, installed) {
    try {
        const { packages } = JSON.parse(readFileSync(file, "utf8"));
        const named = Object.entries(packages).filter(([path]) => path !== "");
        const mine = named.filter(([path, { optional }]) => !optional || installed === undefined || installed.has(path));
        return new Map(mine.map(([path, { version, integrity }]) => [path, `${version} ${integrity}`]));
    } catch {
        return undefined;
    }
}

function isInstalled(directory) {
    // npm writes it when everything is installed.
    const installed = versions(new URL("node_modules/.package-lock.json", directory));
    const wanted = versions(new URL("package-lock.json", directory), installed);
    if (installed === undefined || wanted === undefined) return false;
    return wanted.size === installed.size && [...wanted].every(([path, version]) => installed.get(path) === version);
}

/**
 * Installs into a directory. On an error npm has said why, and false is returned.
 *
 * @param {URL} directory
 */
export function install(directory) {
    if (isInstalled(directory)) return true;
    const quiet = ["--omit=dev", "--no-audit", "--no-fund"];
    const args = ["ci", ...quiet, "--ignore-scripts", "--prefer-offline", ...PATIENCE];
    const { status } = spawnSync("npm", args, { cwd: directory, stdio: ["ignore", 2, 2] });
    if (status !== 0) process.exitCode = status ?? 1;
    return status === 0;
}
