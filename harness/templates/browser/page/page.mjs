// Shows the last price, once a frame. Decoding, checks and counts are in the kit: put your
// own code into `show`, which is called with each tick.
import { share_counts } from "../{{kit}}/kit-browser/page/counts.mjs";
import { Reader } from "../{{kit}}/kit-browser/page/reader.mjs";

const output = document.getElementById("price");
let [newest, is_paint_due] = [0, false];

function paint() {
  is_paint_due = false;
  output.value = newest.toFixed(2);
}

function show(symbol, price) {
  newest = price;
  if (is_paint_due) return;
  is_paint_due = true;
  requestAnimationFrame(paint);
}

new Reader(share_counts, show);
