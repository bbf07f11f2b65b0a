// Installs what package-lock.json pins, unless it is installed.
import { install } from "./install.mjs";

install(new URL(".", import.meta.url));
