// Installs and bundles the page when something has changed; see kit-browser.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build_page } from "../kit-browser/build.mjs";

process.chdir(dirname(fileURLToPath(import.meta.url)));
await build_page({
  scripts: ["page.jsx", "reader-worker.mjs"],
  pages: ["index.html"],
  packages: ["react", "esbuild"],
  sources: ["../browser-react/page"],
});
