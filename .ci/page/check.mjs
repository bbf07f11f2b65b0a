// Opens pages of `harness publish` in a real browser:
//   node check.mjs SCREENSHOTS PAGE.html…
// Each has to load without errors and without further requests, sort its tables, have charts
// with content, show the value under the pointer, and fit a phone, dark and light.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [shots, ...pages] = process.argv.slice(2);
if (!pages.length) {
  console.error("usage: node check.mjs SCREENSHOTS PAGE.html…");
  process.exit(2);
}
mkdirSync(shots, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "page-check-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
let wrong = 0;
let right = 0;
const expect = (is, what) => {
  if (is) right += 1;
  else {
    wrong += 1;
    console.error(`WRONG: ${what}`);
  }
};

const contrast = `(() => {
  const light = (css) => {
    const [r, g, b] = css.match(/[\\d.]+/g).slice(0, 3).map((n) => {
      const c = n / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  const inks = [light(getComputedStyle(document.body).color)];
  for (const text of document.querySelectorAll(".chart text")) inks.push(light(getComputedStyle(text).fill));
  for (const part of document.querySelectorAll(".soft, a, .verdict")) inks.push(light(getComputedStyle(part).color));
  return { paper, least: Math.min(...inks.map(ratio)) };
})()`;

async function sorts(page, name) {
  const tables = page.locator("table.sortable");
  for (let t = 0; t < (await tables.count()); t += 1) {
    const table = tables.nth(t);
    const folded = await table.evaluate((node) => {
      const details = node.closest("details:not([open])");
      details?.setAttribute("open", "");
      return Boolean(details);
    });
    const columns = await table.locator("thead th").count();
    for (let c = 0; c < columns; c += 1) {
      const button = table.locator("thead th").nth(c).locator("button");
      for (const direction of ["ascending", "descending"]) {
        await button.click();
        const keys = await table.evaluate((node, index) => [...node.tBodies[0].rows].map((row) => {
          const cell = row.cells[index];
          return cell.dataset.key === undefined ? cell.textContent.trim() : Number(cell.dataset.key);
        }), c);
        const said = await table.locator("thead th").nth(c).getAttribute("aria-sort");
        expect(said === direction, `${name}: column ${c} has aria-sort ${said} instead of ${direction}`);
        const numbers = keys.filter((key) => typeof key === "number");
        const sign = direction === "ascending" ? 1 : -1;
        const sorted = numbers.every((key, i) => i === 0 || sign * (key - numbers[i - 1]) >= 0);
        expect(sorted, `${name}: column ${c} is not ${direction}: ${keys}`);
        const blank = keys.findIndex((key) => key === "–");
        expect(blank < 0 || keys.slice(blank).every((key) => key === "–"), `${name}: column ${c}: blanks are not last: ${keys}`);
      }
    }
    if (folded) await table.evaluate((node) => node.closest("details").removeAttribute("open"));
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The rules of WCAG 2.1 A and AA that a program can check, by axe.
async function accessible(page, name) {
  // Not as an element: the pages forbid further scripts.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    resultTypes: ["violations"],
  }));
  for (const { id, help, nodes } of found.violations) {
    expect(false, `${name}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join("\n  ")}`);
  }
  expect(found.passes.length > 5, `${name}: only ${found.passes.length} rules of accessibility had something to check`);
}

async function charts(page, name) {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll("details:has(svg.chart)")) details.setAttribute("open", "");
  });
  const fold = () => page.evaluate(() => {
    for (const details of document.querySelectorAll("details:has(svg.chart)")) details.removeAttribute("open");
  });
  const found = await page.locator("svg.chart").evaluateAll((all) => all.map((svg) => {
    const box = svg.getBoundingClientRect();
    return {
      width: box.width,
      height: box.height,
      words: [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim()).length,
      marks: svg.querySelectorAll("polyline, polygon, circle, rect:not(.tip), line").length,
      tips: svg.querySelectorAll(".tip").length,
      named: Boolean(svg.getAttribute("aria-label")),
    };
  }));
  await fold();
  found.forEach((chart, index) => {
    expect(chart.width > 100 && chart.height > 50, `${name}: chart ${index} has no size`);
    expect(chart.words >= 4 && chart.marks >= 4 && chart.tips > 0 && chart.named, `${name}: chart ${index} is empty: ${JSON.stringify(chart)}`);
  });
  // The page of `harness classic` has no script.
  if (found.length && (await page.locator("#bubble").count())) {
    const tip = page.locator("svg.chart .tip").first();
    await tip.scrollIntoViewIfNeeded();
    const words = await tip.locator("title").textContent();
    await tip.hover({ force: true });
    const bubble = page.locator("#bubble");
    expect((await bubble.isVisible()) && (await bubble.textContent()).includes(words), `${name}: no value under the pointer`);
    await page.mouse.move(1, 1);
    expect(!(await bubble.isVisible()), `${name}: the value stays when the pointer leaves`);
  }
  return found.length;
}

// Typing a client's name singles it out everywhere, and the address keeps the choice.
async function choices(page, name) {
  const field = page.locator("#filter");
  if (!(await field.count())) return;
  const client = await page.locator("table tr[data-client]").first().getAttribute("data-client");
  await field.focus();
  await page.keyboard.type(client);
  const state = () => page.evaluate((client) => ({
    chosen: document.querySelectorAll("tr.chosen").length,
    others: [...document.querySelectorAll(".tip[data-client]:not(.faded)")].filter((tip) => tip.dataset.client !== client).length,
    query: new URLSearchParams(location.search).get("filter"),
  }), client);
  const chosen = await state();
  expect(chosen.chosen > 0 && chosen.others === 0 && chosen.query === client, `${name}: ${client} is not singled out: ${JSON.stringify(chosen)}`);
  await page.reload();
  expect((await state()).chosen === chosen.chosen, `${name}: the address does not keep the choice`);
  await page.locator("#whole").press("Enter");
  const all = await state();
  expect(all.chosen === 0 && all.query === null, `${name}: the choice is not undone: ${JSON.stringify(all)}`);
}

for (const file of pages) {
  const url = pathToFileURL(resolve(file)).href;
  const name = `${basename(dirname(resolve(file)))}-${basename(file, ".html")}`;
  const page = await context.newPage();
  page.on("pageerror", (error) => expect(false, `${name}: ${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) expect(false, `${name}: console: ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    expect(false, `${name}: a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const is_own = request.url().split("?")[0] === url || request.url().startsWith("data:");
    expect(is_own, `${name}: requests ${request.url()}`);
  });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(url);
  expect((await page.title()).length > 0, `${name}: no title`);
  expect((await page.evaluate("window.hacked")) === undefined, `${name}: foreign text ran as a script`);
  const links = await page.locator("a[href]").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  for (const link of links.filter((link) => !/^(#|[a-z]+:)/.test(link))) {
    // Links out of the results lead somewhere only in a checkout.
    const path = resolve(dirname(file), decodeURIComponent(link.split("#")[0]));
    const is_here = !link.startsWith("..") || resolve(file).startsWith(`${process.env.SUITE}/results/`);
    expect(!is_here || existsSync(path), `${name}: links ${link}, which does not exist`);
  }
  const report = basename(file) === "report.html";
  await sorts(page, name);
  const drawn = await charts(page, name);
  await choices(page, name);
  if (report) expect(drawn > 0, `${name}: no charts`);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [320, 390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      expect(wide <= 0, `${name}: ${wide} px too wide at ${width} px, ${scheme}`);
      if (width === 390 || width === 1280) {
        await page.screenshot({ path: join(shots, `${name}-${scheme}-${width}.png`), fullPage: true });
      }
    }
    await accessible(page, `${name}, ${scheme}`);
    const { paper, least } = await page.evaluate(contrast);
    expect(scheme === "dark" ? paper < 0.1 : paper > 0.9, `${name}: ${scheme} paper has luminance ${paper}`);
    expect(least >= 4.5, `${name}: contrast ${least.toFixed(2)} is below 4.5 in ${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", media: "print" });
  const pdf = await page.pdf({ format: "A4" });
  expect(pdf.length > 5000, `${name}: prints nothing`);
  await page.close();
  console.log(`${name}: ${drawn} charts`);
}
await context.close();
rmSync(profile, { recursive: true, force: true });
expect(readdirSync(shots).length >= pages.length, "no screenshots");
console.log(`page checks: ${right} passed, ${wrong} failed`);
process.exit(wrong ? 1 : 0);
