// Installs and bundles the page when something has changed; see the kit.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build_page } from "../kit-browser/build.mjs";

process.chdir(dirname(fileURLToPath(import.meta.url)));
await build_page({
  scripts: ["page.jsx", "reader-worker.mjs", "bare.mjs", "bare-react.jsx"],
  pages: ["index.html", "bare.html", "bare-react.html"],
  packages: ["react", "esbuild"],
});
