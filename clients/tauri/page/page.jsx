// The page of the Tauri clients: that of browser-react, with the ways that ticks can take into
// a page of Tauri.
import { start_page } from "../../browser-react/page/start.jsx";
import { own_counts } from "./counts.mjs";
import { show_figures } from "./figures.jsx";
import { CHANNEL, EVENTS, PLUGIN } from "./transports.mjs";

const TRANSPORTS = { events: EVENTS, channel: CHANNEL, plugin: PLUGIN };

const query = new URLSearchParams(location.search);
const name = query.get("transport");
const transport = TRANSPORTS[name];
const has_sockets = transport === undefined;
const options = { transport, counts: own_counts({ by_title: has_sockets, asks: !has_sockets }) };
if (name === "figures") show_figures();
else start_page(query.get("variant"), options);
