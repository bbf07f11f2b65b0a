// The build step of a client whose reader is a page, run in its folder: installs what
// the lock file says and bundles the page into dist/; does neither when nothing has
// changed since the last time.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { leave } from "../kit-node/run.mjs";

const KIT = dirname(fileURLToPath(import.meta.url));
const STAMP = "dist/sources.sha256";

/**
 * @param {{scripts: string[], pages: string[], packages: string[]}} what files of `page/`
 *   to bundle and to copy, and the packages whose versions the hello names
 */
export async function build_page(what) {
  // An import is a run of it: it leaves with an error of its own.
  await import("../kit-node/install.mjs");
  const wanted = hash_of_sources();
  if (!is_built(wanted)) await build(wanted, what).catch((error) => leave(error.message, 1));
}

/** Over all that the bundle is made of: names and contents. */
function hash_of_sources() {
  const files_of = (folder) => readdirSync(folder).sort().map((name) => join(folder, name));
  const kits = ["close-codes.mjs", "errors.mjs", "sequence.mjs", "taker.mjs"].map((name) => join(KIT, "../kit-node", name));
  const hash = createHash("sha256");
  for (const file of ["build.mjs", "package-lock.json", ...files_of("page"), ...files_of(join(KIT, "page")), ...kits]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

function is_built(wanted) {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted;
}

/** Beside its place, and moved there at once: two builds at a time do no harm. */
async function build(wanted, what) {
  const room = mkdtempSync(".dist-");
  try {
    await bundle(join(room, "dist"), what);
    writeFileSync(join(room, STAMP), wanted);
    if (existsSync("dist")) renameSync("dist", join(room, "old"));
    renameSync(join(room, "dist"), "dist");
  } catch (error) {
    // Another build was quicker.
    if (!is_built(wanted)) throw error;
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

async function bundle(outdir, { scripts, pages, packages }) {
  // The client's own, not the kit's.
  const own = createRequire(join(process.cwd(), "build.mjs"));
  const esbuild = own("esbuild");
  await esbuild.build({
    entryPoints: [...scripts.map((name) => join("page", name)), join(KIT, "page/pulse.mjs")],
    entryNames: "[name]",
    outdir,
    bundle: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  for (const name of pages) copyFileSync(join("page", name), join(outdir, name));
  // The receipt of what is in the bundle: the hello names it.
  const version = (name) => JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8")).version;
  const versions = packages.map((name) => `${name} ${version(name)}`);
  writeFileSync(join(outdir, "versions.json"), `${JSON.stringify(versions)}\n`);
}
