// Installs what the lock file says and bundles the page into dist/; does neither
// when nothing has changed since the last time.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { leave } from "../kit-node/run.mjs";

process.chdir(dirname(fileURLToPath(import.meta.url)));
const KIT = "../kit-node";
const SCRIPTS = ["page.jsx", "pulse.mjs", "reader-worker.mjs", "bare.mjs"];
const PAGES = ["index.html", "bare.html"];
const STAMP = "dist/sources.sha256";

// An import is a run of it: it leaves with an error of its own.
await import(`${KIT}/install.mjs`);
const wanted = hash_of_sources();
if (!is_built(wanted)) await build(wanted).catch((error) => leave(error.message, 1));

/** Over all that the bundle is made of: names and contents. */
function hash_of_sources() {
  const pages = readdirSync("page").sort().map((name) => join("page", name));
  const kit = ["taker.mjs", "sequence.mjs"].map((name) => join(KIT, name));
  const hash = createHash("sha256");
  for (const file of ["build.mjs", "package-lock.json", ...pages, ...kit]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

function is_built(wanted) {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted;
}

/** Beside its place, and moved there at once: two builds at a time do no harm. */
async function build(wanted) {
  const room = mkdtempSync(".dist-");
  try {
    await bundle(join(room, "dist"));
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

async function bundle(outdir) {
  const esbuild = await import("esbuild");
  await esbuild.build({
    entryPoints: SCRIPTS.map((name) => join("page", name)),
    outdir,
    bundle: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  for (const name of PAGES) copyFileSync(join("page", name), join(outdir, name));
  const { version } = JSON.parse(readFileSync("node_modules/react-dom/package.json", "utf8"));
  // The receipt of what is in the bundle: the hello names it.
  const versions = [`react ${version}`, `esbuild ${esbuild.version}`];
  writeFileSync(join(outdir, "versions.json"), `${JSON.stringify(versions)}\n`);
}
