/** The Actors view of the live page in a real browser: what the store holds, found and read by mouse, keyboard and screen reader, on a phone, too. */
import type { Page } from 'playwright-core';
import t from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { startBrowser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { post } from '../support/json-client.js';
import { openPage } from '../support/live-page.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import type { ServerEnv, WarrenProcess } from '../support/warren-process.js';

const browser = await startBrowser(t);
const ADMIN = { ADMIN_HOST_PORT: '127.0.0.1:0' };

/** So many counters, `k000` and on. */
async function count(warren: WarrenProcess, counters: number): Promise<void> {
  const keys = Array.from({ length: counters }, (_, at) => `k${String(at).padStart(3, '0')}`);
  await Promise.all(keys.map((key) => post(warren.url, `/counter/${key}/add`)));
}

function keysIn(page: Page): Promise<string[]> {
  return page.locator('#stored-keys th').allTextContents();
}

const STORES: Readonly<Record<string, () => Promise<ServerEnv>>> = {
  level: async () => ({ STORE: 'level' }),
  redis: async () => ({ REDIS_URL: (await startRedis(t, { appendOnly: true })).url }),
};

for (const [store, env] of Object.entries(STORES)) {
  t.test(`actors are counted, listed page by page, searched and read on ${store}`, async (t) => {
    const warren = await serveCounters(t, { ...ADMIN, ...(await env()) });
    await count(warren, 250);
    await post(warren.url, '/counter/berlin/add-big');
    const page = await openPage(t, browser, warren.adminUrl);
    await page.getByRole('link', { name: 'Actors' }).click();
    await page.getByRole('row', { name: /^counter 251 \d/ }).waitFor();
    t.notOk(await page.locator('#live-view').isVisible(), 'the other view is away');
    await page.getByRole('link', { name: 'counter', exact: true }).click();

    const seen = new Set<string>();
    for (let pages = 0; ; pages++) {
      await page.getByText(/keys? (is|are) shown/).waitFor();
      const keys = await keysIn(page);
      for (const key of keys) seen.add(key);
      // Redis may add a few to what it is asked for.
      t.ok(pages < 10 && keys.length <= 200, `${keys.length} keys`);
      const next = page.getByRole('button', { name: 'Next page' });
      if (!(await next.isVisible())) break;
      const first = keys[0] ?? '';
      await next.click();
      await page.locator('#stored-keys th').getByText(first, { exact: true }).waitFor({ state: 'detached' });
    }
    t.equal(seen.size, 251, 'every key is on one of the pages');
    await page.getByRole('button', { name: 'First page' }).click();

    await page.getByLabel('Key begins with').fill('ber');
    await page.getByText('1 key that begins with “ber” is shown.').waitFor();
    t.strictSame(await keysIn(page), ['berlin']);
    await page.getByRole('link', { name: 'berlin' }).click();
    const state = page.getByRole('region', { name: 'counter / berlin' });
    await state.getByText('"n": 1').waitFor();
    t.match(await page.locator('#state-figures').textContent(), /Size\d+ BVersion1Last commit0\.1\.\d+$/);

    await post(warren.url, '/counter/berlin/add');
    await state.getByText('"n": 2').waitFor();
    t.pass('what changes is shown');
    await page.goBack();
    await page.getByText('counter / berlin').waitFor({ state: 'hidden' });
    t.equal(await page.getByLabel('Key begins with').inputValue(), 'ber', 'and back leads to the search');
  });
}

t.test('an address leads to a state, and one that is not there is told', async (t) => {
  const warren = await serveCounters(t, ADMIN);
  await post(warren.url, '/counter/a%20%26%3Cb%3E%23%2F/add');
  const hash = `#actors?${new URLSearchParams({ actor: 'counter', key: 'a &<b>#/' })}`;
  const page = await openPage(t, browser, warren.adminUrl, {}, hash);
  await page.getByRole('heading', { name: 'counter / a &<b>#/' }).waitFor();
  await page.getByText('"n": 1').waitFor();
  await page.getByRole('link', { name: 'a &<b>#/' }).waitFor();
  await page.goto(`${warren.adminUrl}/#actors?actor=counter&key=nobody`);
  await page.getByText('This actor has no state.').waitFor();
  await page.goto(`${warren.adminUrl}/#actors?actor=nothing`);
  await page.getByText('There are no keys.').waitFor();
});

t.test('the state of a built-in application is read, too', async (t) => {
  const warren = await serveCounters(t, { ...ADMIN, ACTORS: 'fibonacci' });
  await post(warren.url, '/next');
  const page = await openPage(t, browser, warren.adminUrl, {}, '#actors?actor=fibonacci');
  await page.getByRole('link', { name: '(no key)' }).click();
  await page
    .locator('#state-figures')
    .getByText(/^0\.1\.\d+$/)
    .waitFor();
  t.notMatch(await page.locator('#state-text').textContent(), /no state/);
});

t.test('a state that cannot be read says why', async (t) => {
  const redis = await startRedis(t, { appendOnly: true });
  const warren = await serveCounters(t, { ...ADMIN, REDIS_URL: redis.url });
  await count(warren, 1);
  await redisCommand(redis, 'HSET', 'warren:{0}:actors', 'counter/broken', 'rubbish');
  const page = await openPage(t, browser, warren.adminUrl, {}, '#actors?actor=counter');
  await page.getByRole('row', { name: 'broken 7 B unreadable' }).waitFor();
  await page.getByRole('link', { name: 'broken' }).click();
  await page.getByText(/^The state cannot be read: /).waitFor();
});

t.test('a keyboard is enough, and what a screen reader hears says where it is', async (t) => {
  const warren = await serveCounters(t, ADMIN);
  await count(warren, 3);
  const page = await openPage(t, browser, warren.adminUrl);
  const press = async (key: string, until: () => Promise<boolean>) => {
    for (let presses = 0; presses < 50; presses++) {
      if (await until()) return;
      await page.keyboard.press(key);
    }
    t.fail(`${key} did not lead there`);
  };
  const focused = (text: string) => async () =>
    (await page.evaluate<string>('document.activeElement.textContent')) === text;
  await press('Tab', focused('Actors'));
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'counter', exact: true }).waitFor();
  t.equal(await page.getByRole('link', { name: 'Actors' }).getAttribute('aria-current'), 'page');
  await press('Tab', focused('counter'));
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: '3 keys are shown.' }).waitFor();
  await press('Tab', async () => (await page.evaluate<string>('document.activeElement.id')) === 'prefix');
  await page.keyboard.type('k001');
  await page.getByRole('status').filter({ hasText: '1 key that begins with “k001” is shown.' }).waitFor();
  await press('Tab', focused('k001'));
  await page.keyboard.press('Enter');
  await page.getByText('"n": 1').waitFor();
  t.equal(
    await page.evaluate('document.activeElement.id'),
    'state-title',
    'the state is where reading goes on',
  );
  await page.keyboard.press('Tab');
  t.match(await page.evaluate('document.activeElement.textContent'), /"n": 1/, 'and it scrolls by keyboard');
  for (const name of ['Actors in the store', 'Keys of counter', 'counter / k001']) {
    t.equal(await page.getByRole('region', { name }).count(), 1, `the region ${name}`);
  }
});

t.test('it only reads, and only while it is looked at', async (t) => {
  const warren = await serveCounters(t, ADMIN);
  await count(warren, 1);
  const page = await openPage(t, browser, warren.adminUrl, {}, '#actors?actor=counter&key=k000');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.clock.install();
  await page.clock.fastForward(10_000);
  await page.waitForResponse(/\/state\?/);
  t.strictSame(
    [...new Set(asked)].filter((one) => !/^GET \/(actors|state)$/.test(one)),
    [],
  );
  await page.getByRole('link', { name: 'Live' }).click();
  t.ok((await page.locator('.plot canvas').first().boundingBox())?.width, 'the charts have their size');
  asked.length = 0;
  // Whatever is asked now and then is asked within this.
  await page.clock.fastForward(60_000);
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
  t.strictSame(asked, []);
});

t.test('a server that is away is told, and found again', async (t) => {
  const address = { ADMIN_HOST_PORT: `127.0.0.1:${await freePort()}` };
  const warren = await serveCounters(t, { ...address, STORE: 'level' });
  await count(warren, 1);
  const page = await openPage(t, browser, warren.adminUrl, {}, '#actors?actor=counter&key=k000');
  await page.getByText('"n": 1').waitFor();
  await warren.stop();
  await page.locator('#state-status').getByText('the server does not answer').waitFor();
  t.match(await page.locator('#state-text').textContent(), /"n": 1/, 'what was known stands');
  const successor = await warren.again();
  await post(successor.url, '/counter/k000/add').catch(() => {});
  await page.getByText(/"n": [12]/).waitFor();
  await page.locator('#state-status').getByText('does not answer').waitFor({ state: 'detached' });
});

t.test('it fits a phone', async (t) => {
  const warren = await serveCounters(t, ADMIN);
  const long = 'x'.repeat(250);
  await post(warren.url, `/counter/${long}/add`);
  await post(warren.url, '/counter/k/store', '{"bytes":5000}');
  const page = await openPage(
    t,
    browser,
    warren.adminUrl,
    { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
    `#actors?actor=counter&key=${long}`,
  );
  await page.getByText('"n": 1').waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, 'nothing sticks out');
  await page.goto(`${warren.adminUrl}/#actors?actor=counter&key=k`);
  await page.getByText('xxxxx').first().waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
});
