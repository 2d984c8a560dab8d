/** The live page as a browser shows it: what stands there, second by second, and what its charts are drawn with. */
import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';

const PATIENCE_MS = 120_000;

/** Opens it, and fails the test at the first error or breach of the policy. @param place behind the `#`. */
export async function openPage(
  t: Test,
  browser: Browser,
  url: string,
  options: Parameters<Browser['newPage']>[0] = {},
  place = '',
): Promise<Page> {
  const page = await browser.newPage(options);
  t.teardown(() => page.close());
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', (error) => t.fail(`the page threw: ${error.message}`));
  page.on('console', (message) => {
    const lostConnection = /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/.test(message.text());
    // The browser says so, the page says it in its own words.
    const noState = /404/.test(message.text()) && /\/state\?/.test(message.location().url);
    if (message.type() === 'error' && !lostConnection && !noState)
      t.fail(`the page complained: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) t.fail(`the page asked elsewhere: ${request.url()}`);
  });
  await page.goto(`${url}${place && `/${place}`}`);
  await phase(page, 'serving');
  return page;
}

export async function phase(page: Page, name: string): Promise<void> {
  await page.locator(`#phase[data-phase="${name}"]`).waitFor();
}

/** Of one second; times in milliseconds, NaN where the page has a dash. */
export interface Figures {
  readonly answers: number;
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly group: number;
}

const NAMES = ['answers', 'rate', 'p50', 'p99', 'group'] satisfies (keyof Figures)[];

/** Keeps from now on what the page shows, for as long as something is answered. @returns what was kept until it is called. */
export async function keepFigures(page: Page): Promise<() => Promise<Figures[]>> {
  await page.evaluate(`(() => {
    const read = (name) => document.querySelector('[data-figure="' + name + '"]').textContent;
    const kept = (window.keptFigures = []);
    const keep = () => kept.push(${JSON.stringify(NAMES)}.map(read));
    new MutationObserver(keep).observe(document.querySelector('[data-figure="answers"]'), { childList: true });
  })()`);
  return async () => {
    const kept: string[][] = await page.evaluate('window.keptFigures');
    return kept.map(
      (texts) =>
        Object.fromEntries(texts.map((text, at) => [NAMES[at], numberIn(text)])) as unknown as Figures,
    );
  };
}

/**
 * How many pixels of a chart have a colour of the style sheet. Those on the axis, where lines of nothing lie, are left out,
 * and so are smoothed edges.
 */
export async function coloured(page: Page, title: string, property: string): Promise<number> {
  return page.evaluate(`(() => {
    const cards = [...document.querySelectorAll('.chart')];
    const card = cards.find((one) => one.querySelector('h2').textContent === ${JSON.stringify(title)});
    const canvas = card.querySelector('canvas');
    const plot = card.querySelector('.u-over');
    const text = getComputedStyle(document.documentElement).getPropertyValue('${property}').trim();
    const wanted = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
    const scale = canvas.width / canvas.clientWidth;
    const area = [plot.offsetLeft, plot.offsetTop, plot.clientWidth, plot.clientHeight - 8];
    const { data } = canvas.getContext('2d').getImageData(...area.map((length) => Math.round(length * scale)));
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] > 200 && wanted.every((channel, of) => Math.abs(data[at + of] - channel) < 8)) count += 1;
    }
    return count;
  })()`);
}

function numberIn(text: string): number {
  const value = Number.parseFloat(text.replaceAll(',', ''));
  return /\d s$/.test(text) ? value * 1000 : value;
}
