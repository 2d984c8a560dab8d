/**
 * `npm run picture`: takes docs/live-page.png anew, from a real server on LevelDB while faults are injected for a minute and a
 * half: the owner is ended, the store is slowed, and dropped, and the service heals.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './browser.js';
import { recordHistory } from './history.js';
import { get } from './http-client.js';
import { startWarren } from './warren-process.js';

const PICTURE = fileURLToPath(new URL('../../../docs/live-page.png', import.meta.url));
/** Three rows of charts. */
const VIEWPORT = { width: 1280, height: 1044 };
const CLIENTS = 24;
/** Rests after each answer, so that server and browser have something left of a small machine. */
const PAUSE_MS = 8;

const ends: (() => Promise<unknown>)[] = [];
const scope = { teardown: (end: () => Promise<unknown>) => ends.push(end) };
try {
  const warren = await startWarren(scope, { env: { ADMIN_HOST_PORT: '127.0.0.1:0', FAULTS: 'on' } });
  const fault = (name: string) => get(warren.adminUrl, `/faults/${name}`, { method: 'POST' });
  const browser = await startBrowser(scope);
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.goto(warren.adminUrl);
  const load = new AbortController();
  const recording = recordHistory({
    url: warren.url,
    clients: CLIENTS,
    seed: 1,
    pauseMs: PAUSE_MS,
    signal: load.signal,
  });
  await delay(22_000);
  await fault('crash-owner');
  await delay(16_000);
  await fault('slow-store?ms=100');
  await delay(12_000);
  await fault('slow-store?ms=0');
  await delay(12_000);
  await fault('drop-store?ms=5000');
  await delay(22_000);
  await page.screenshot({ path: PICTURE });
  load.abort();
  await recording;
} finally {
  for (const end of ends.reverse()) await end();
}
