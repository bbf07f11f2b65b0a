// The build step of a client whose reader is a page, run in its directory: installs what the
// lock file says and bundles the page into dist/; does neither when nothing has changed
// since the last time.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exit_with_message } from "../kit-node/stdio.mjs";

const KIT = dirname(fileURLToPath(import.meta.url));
const SOURCES_HASH = "dist/sources.sha256";
/** The modules of kit-node that a page imports. */
const KIT_NODE_MODULES = ["close-codes.mjs", "errors.mjs", "processor.mjs", "sequence.mjs"];

/**
 * @param {{scripts: string[], pages: string[], packages: string[], sources?: string[]}} page the
 *   files of `page/` to bundle and to copy, the packages whose versions the hello has, and other
 *   directories whose files are bundled, with the packages of this client
 */
export async function build_page(page) {
  // Importing it runs it; it exits with its own error.
  await import("../kit-node/install.mjs");
  const wanted = hash_of_sources(page.sources ?? []);
  if (!is_built(wanted)) await build(wanted, page).catch((error) => exit_with_message(error.message, 1));
}

/** Over all that the bundle is made of: names and contents. */
function hash_of_sources(sources) {
  const files_of = (directory) => readdirSync(directory).sort().map((name) => join(directory, name));
  const kit_node = KIT_NODE_MODULES.map((name) => join(KIT, "../kit-node", name));
  const hash = createHash("sha256");
  for (const file of ["build.mjs", "package-lock.json", ...["page", ...sources, join(KIT, "page")].flatMap(files_of), ...kit_node]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

function is_built(wanted) {
  return existsSync(SOURCES_HASH) && readFileSync(SOURCES_HASH, "utf8") === wanted;
}

/** In a temporary directory, then moved into place: two builds at a time do no harm. */
async function build(wanted, page) {
  const directory = mkdtempSync(".dist-");
  try {
    await bundle(join(directory, "dist"), page);
    writeFileSync(join(directory, SOURCES_HASH), wanted);
    if (existsSync("dist")) renameSync("dist", join(directory, "old"));
    renameSync(join(directory, "dist"), "dist");
  } catch (error) {
    // Another build was faster.
    if (!is_built(wanted)) throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function bundle(outdir, { scripts, pages, packages }) {
  // The client's own, not the kit's.
  const own = createRequire(join(process.cwd(), "build.mjs"));
  const esbuild = own("esbuild");
  await esbuild.build({
    entryPoints: [...scripts.map((name) => join("page", name)), join(KIT, "page/counts-worker.mjs")],
    entryNames: "[name]",
    outdir,
    // Where the sources of another directory find their packages.
    nodePaths: [join(process.cwd(), "node_modules")],
    bundle: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  for (const name of pages) copyFileSync(join("page", name), join(outdir, name));
  // For the hello: the versions of what is in the bundle.
  const version = (name) => JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8")).version;
  const versions = packages.map((name) => `${name} ${version(name)}`);
  writeFileSync(join(outdir, "versions.json"), `${JSON.stringify(versions)}\n`);
}
