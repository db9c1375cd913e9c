// Every page in Chromium: axe in light and dark at three widths, nothing wider than its window, and pictures to look at.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import puppeteer from 'puppeteer-core';

const [folder, chromium, pictures] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const letters = JSON.parse(await readFile(`${folder}/letters.json`, 'utf8'));
const WIDTHS = [375, 600, 800];
// A mail lives in the page of a mail program, which has the landmarks.
const RULES = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'],
  rules: { 'landmark-one-main': { enabled: false }, region: { enabled: false } },
};

const browser = await puppeteer.launch({
  executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const page = await browser.newPage();
let hasImages = true;
await page.setRequestInterception(true);
page.on('request', async (request) => {
  const name = new URL(request.url()).pathname.slice(1);
  if (request.url().startsWith('data:') || request.url() === 'about:blank') return request.continue();
  try {
    const body = hasImages ? await readFile(`${pictures}/${name}`) : null;
    return body ? request.respond({ contentType: 'image/png', body }) : request.abort();
  } catch {
    return request.abort();
  }
});

async function show(html, { width, mode }) {
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: mode }]);
  await page.setContent(html, { waitUntil: 'load' });
}

const found = {};
for (const { name, html } of letters) {
  const faults = [];
  for (const mode of ['light', 'dark']) {
    for (const width of WIDTHS) {
      await show(html, { width, mode });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${wide} wide in a window of ${width}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate((rules) => window.axe.run(document, rules), RULES);
      for (const { id, nodes } of violations) faults.push(`${id} at ${width} ${mode}: ${nodes[0].html}`);
      if (width < 800) await page.screenshot({ path: `${folder}/${name}.${width}.${mode}.png`, fullPage: true });
    }
  }
  await show(html.replace(/<style[\s\S]*?<\/style>/g, ''), { width: 375, mode: 'light' });
  await page.screenshot({ path: `${folder}/${name}.unstyled.png`, fullPage: true });
  hasImages = false;
  await show(html, { width: 600, mode: 'light' });
  await page.screenshot({ path: `${folder}/${name}.no-images.png`, fullPage: true });
  hasImages = true;
  found[name] = faults;
}
await browser.close();
console.log(JSON.stringify(found));
