/** The live page in a real browser: under its strict policy, under load, through faults and through a restart. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startBrowser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { recordHistory } from '../support/history.js';
import { get } from '../support/http-client.js';
import { coloured, type Figures, keepFigures, openPage, phase } from '../support/live-page.js';
import { type Scrape, scrape } from '../support/metrics.js';
import { startWarren } from '../support/warren-process.js';

const browser = await startBrowser(t);
const OPACITY = "Number(getComputedStyle(document.querySelector('.tile')).opacity)";
/** What a page of nothing but own files needs, and nothing more. */
const POLICY =
  /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; /;

t.test('the page has no inline script or style, and says so', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
  const { status, headers, body } = await get(warren.adminUrl, '/');
  t.equal(status, 200);
  t.match(headers['content-security-policy'], POLICY);
  t.notMatch(headers['content-security-policy'], /unsafe/);
  t.notMatch(body, /<script(?![^>]* src=)|<style|style=|\son[a-z]+=|https?:/);
  for (const [, path = ''] of body.matchAll(/(?:src|href)="([^"]+)"/g)) {
    t.equal((await get(warren.adminUrl, `/${path}`)).status, 200, path);
  }
  t.equal((await get(warren.adminUrl, '/..%2fadmin-server.js')).status, 404);
});

t.test('it shows under load what /metrics counts', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
  const page = await openPage(t, browser, warren.adminUrl);
  t.equal(await page.locator('#faults').isVisible(), false, 'without FAULTS=on there are no buttons');
  t.equal(await page.locator('canvas').count(), 8);
  t.equal(await coloured(page, 'Answers a second', '--two'), 0, 'nothing is drawn above the axis yet');
  const shown = await keepFigures(page);
  const { operations } = await recordHistory({ url: warren.url, clients: 8, seed: 3, durationMs: 4_000 });
  const metrics = await scrape(warren.adminUrl);
  await shows(page, 'answers', operations.length);
  await shows(page, 'index', metrics.value('warren_index'));
  await shows(page, 'digits', metrics.value('warren_digits'));
  await shows(page, 'commits', metrics.value('warren_commit_duration_seconds_count'));
  await shows(page, 'deaths', 0);
  await shows(page, 'pending', 0);
  t.equal(metrics.sum('warren_requests_total', 'status="200"'), operations.length);
  t.ok((await coloured(page, 'Answers a second', '--two')) > 50, 'the chart has its line');
  agree(t, await shown(), metrics);
});

t.test('it shows each actor that is served, and the sequence only where it is', async (t) => {
  const ACTORS = fileURLToPath(new URL('../support/fixtures/counter-actor.js', import.meta.url));
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0', ACTORS } });
  const page = await openPage(t, browser, warren.adminUrl);
  const row = page.getByRole('row', { name: /^counter / });
  await row.waitFor();
  t.equal(await page.getByRole('row').count(), 2, 'a head, and one actor');
  t.notOk(await page.getByText('Current term', { exact: true }).isVisible());
  t.notOk(await page.getByText('Digits of the current term').isVisible());
  for (let times = 0; times < 3; times++) {
    t.equal((await get(warren.url, '/counter/a/refuse', { method: 'POST' })).status, 423);
  }
  await shows(page, 'answers', 3);
  const metrics = await scrape(warren.adminUrl);
  const labels = 'actor="counter",method="POST",path="/counter/:key/refuse"';
  t.equal(metrics.value(`warren_refusals_total{${labels}}`), 3);
  t.equal(metrics.value('warren_answer_duration_seconds_count{actor="counter"}'), 3);
});

t.test('an owner that hangs is a warning before it is a death', async (t) => {
  const env = { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on', WATCHDOG_MS: '6000' };
  const warren = await startWarren(t, { env });
  const page = await openPage(t, browser, warren.adminUrl);
  await page.getByRole('button', { name: 'Hang the owner' }).click();
  await page.getByText('injected: the owner thread stops turning').waitFor();
  const answer = get(warren.url, '/next');
  await phase(page, 'late');
  await phase(page, 'serving');
  await shows(page, 'deaths', 1);
  t.equal((await answer).status, 200);
});

t.test('a fault that could not be commanded is told', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' } });
  const page = await openPage(t, browser, warren.adminUrl);
  await page.route('**/faults/*', (route) => route.abort('connectionrefused'));
  await page.getByRole('button', { name: 'End the owner' }).click();
  await page.getByText('End the owner: the server did not answer').waitFor();
  await page.unroute('**/faults/*');
  await page.getByRole('button', { name: 'End the owner' }).click();
  await shows(page, 'deaths', 1);
  t.equal(await page.locator('#fault-failure').textContent(), '');
});

t.test('its buttons inject faults, and its list of events shows them', async (t) => {
  const env = { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on', STORE_GRACE_MS: '100' };
  const warren = await startWarren(t, { env });
  const page = await openPage(t, browser, warren.adminUrl);
  await page.getByRole('button', { name: 'End the owner' }).click();
  await page.getByText('the owner died: an injected crash').waitFor();
  await shows(page, 'deaths', 1);
  // The next owner serves within a tenth of a second; its line must not hide the death.
  // Charts are drawn a moment after the figures.
  const line = () => coloured(page, 'Pending requests', '--bad');
  for (let look = 0; look < 300 && (await line()) <= 20; look++) await delay(100);
  t.ok((await line()) > 20, 'there is a line through the charts');
  await page.getByRole('button', { name: 'Slow the store by 100 ms' }).click();
  await page.getByRole('button', { name: 'Store at full speed' }).click();
  await page.getByText('the store is as fast as before').waitFor();
  await page.getByRole('button', { name: 'Drop the store' }).click();
  await page.getByText('injected: the store is away for 5000 ms').waitFor();
  // The owner learns of it with its next commit.
  await get(warren.url, '/next');
  await phase(page, 'away');
  await phase(page, 'serving');
  const { body } = await get(warren.url, '/next');
  t.match(JSON.parse(body), { next: Number }, 'the service has healed');
});

t.test('it finds a restarted server again, and keeps what it knew', async (t) => {
  const env = {
    ADMIN_HOST_PORT: `127.0.0.1:${await freePort()}`,
    SERVING_HOST_PORT: `127.0.0.1:${await freePort()}`,
    FAULTS: 'on',
  };
  const warren = await startWarren(t, { env });
  const page = await openPage(t, browser, warren.adminUrl);
  await get(warren.url, '/next');
  await shows(page, 'index', 1);
  warren.kill();
  await phase(page, 'lost');
  const button = page.getByRole('button', { name: 'End the owner' });
  t.ok(await button.isDisabled(), 'nobody is there to command');
  t.ok((await page.evaluate<number>(OPACITY)) < 1, 'old figures are dimmed');
  await warren.exited;
  const successor = await warren.again();
  await phase(page, 'serving');
  await page.getByText(`started as process ${warren.pid}`).waitFor();
  await page.getByText(`started as process ${successor.pid}`).waitFor();
  await shows(page, 'epoch', 2);
  t.ok(await button.isEnabled(), 'the page is back');
});

t.test('it fits a phone, in the dark', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' } });
  const page = await openPage(t, browser, warren.adminUrl, {
    viewport: { width: 360, height: 740 },
    colorScheme: 'dark',
  });
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, 'nothing sticks out');
  const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
  t.equal(ground, 'rgb(18, 20, 19)');
});

/** Resolves when the figure stands there. */
async function shows(page: Page, figure: string, value: number): Promise<void> {
  const text = value.toLocaleString('en-US');
  // Not by a function within the page, which its policy forbids to make from a text.
  await page.locator(`[data-figure="${figure}"]`, { hasText: new RegExp(`^${text}$`) }).waitFor();
}

/** What was shown of each second of the load, held against what was counted over all of it. */
function agree(t: Test, seconds: readonly Figures[], metrics: Scrape): void {
  t.ok(seconds.length > 0, `${seconds.length} seconds were shown`);
  for (const [at, { answers, rate }] of seconds.entries()) {
    const more = answers - (seconds[at - 1]?.answers ?? 0);
    // Rates are of the time that has really passed, a second or somewhat more; a few answers are lost in rounding.
    if (more > 100) t.ok(more / rate > 0.8 && more / rate < 60, `${more} answers at ${rate} a second`);
  }
  const within = (name: string, whole: number, parts: readonly number[], factor: number) => {
    const known = parts.filter((part) => !Number.isNaN(part));
    const [least, most] = [Math.min(...known), Math.max(...known)];
    t.ok(whole >= least / factor && whole <= most * factor, `${name}: ${whole} of ${least} to ${most}`);
  };
  // A quantile of all seconds lies between the least and the most of theirs; buckets blur both.
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const whole = metrics.quantile('warren_answer_duration_seconds', share) * 1000;
    within(
      name,
      whole,
      seconds.map((second) => second[name]),
      1.7,
    );
  }
  const group = metrics.value('warren_commit_actors_sum') / metrics.value('warren_commit_actors_count');
  within(
    'group',
    group,
    seconds.map((second) => second.group),
    1.1,
  );
}
