// The React component of the page.
import { memo, useEffect, useState } from "react";
import { ROWS } from "./metrics.mjs";

const EMPTY = { symbol: null, price: null, count: 0, rate_per_s: 0, prices: [] };

/** Passes its `setState` to `on_mount`, once. */
export function Ticker({ on_mount }) {
  const [view, set_view] = useState(EMPTY);
  useEffect(() => on_mount(set_view), [on_mount]);
  return (
    <main>
      <h1>{view.symbol === null ? "–" : `Symbol ${view.symbol}: ${view.price.toFixed(2)}`}</h1>
      <p>{view.count} ticks, {Math.round(view.rate_per_s)} a second</p>
      <table>
        <tbody>
          {Array.from({ length: Math.min(ROWS, view.prices.length) }, (_, symbol) => (
            <Row key={symbol} symbol={symbol} price={view.prices[symbol]} />
          ))}
        </tbody>
      </table>
    </main>
  );
}

/** Rendered again only when its price has changed. */
const Row = memo(function Row({ symbol, price }) {
  return (
    <tr>
      <td>{symbol}</td>
      <td>{price.toFixed(2)}</td>
    </tr>
  );
});
