// A React page in headless Chromium; the bridge to it is in the kit.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { drive } from "../kit-browser/drive.mjs";

drive({
  name: "browser-react",
  directory: join(dirname(fileURLToPath(import.meta.url)), "dist"),
  variants: ["no-react", "worker", "flush-sync", "windowed"],
  WebSocketServer,
});
