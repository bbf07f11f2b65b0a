// A React page in headless Chromium; the bridge to it is the kit's.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { drive } from "../kit-browser/drive.mjs";

drive({
  name: "browser-react",
  folder: join(dirname(fileURLToPath(import.meta.url)), "dist"),
  variants: ["no-react", "worker", "flush-sync"],
  WebSocketServer,
});
