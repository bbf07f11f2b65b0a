// Installs what package-lock.json pins, and links the binary for this machine: npm runs no
// scripts of packages here, and that of `bun` would choose it.
import { readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { install } from "../node/install.mjs";

const LINK = "bun";
const here = (path) => new URL(path, import.meta.url);

/** npm installs the one that fits processor and C library. */
function binary() {
    const names = Object.keys(JSON.parse(readFileSync(here("package.json"), "utf8")).optionalDependencies);
    for (const name of names) {
        const path = `node_modules/${name}/bin/bun`;
        try {
            readFileSync(here(`node_modules/${name}/package.json`));
            return path;
        } catch {
            // Another machine's.
        }
    }
    throw new Error(`there is no Bun for ${process.platform} ${process.arch}: choose one of ${names.join(", ")}`);
}

function link(path) {
    try {
        if (readlinkSync(here(LINK)) === path) return;
    } catch {
        // There is none yet.
    }
    rmSync(here(LINK), { force: true });
    symlinkSync(path, here(LINK));
}

if (install(here("."))) link(binary());
