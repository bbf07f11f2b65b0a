// A page in headless Chromium; the bridge to it is in the kit.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { drive } from "{{kit}}/kit-browser/drive.mjs";

drive({
  name: "{{name}}",
  directory: join(dirname(fileURLToPath(import.meta.url)), "dist"),
  WebSocketServer,
});
