// The page of a client whose ticks stay in the Rust process: it shows the figures that come
// once a second.
import { render } from "../../browser-react/page/start.jsx";
import { open_channel } from "../../kit-browser/page/channel.mjs";

export async function show_figures() {
  const set_view = await render();
  const show = ({ payload: { count, rate_per_s } }) => {
    set_view({ symbol: null, price: null, count, rate_per_s, prices: [] });
  };
  await globalThis.__TAURI__.event.listen("figures", show);
  const channel = open_channel("/reader", () => {});
  channel.opened.then(() => channel.send({ type: "loaded" }));
}
