/** A real, headless Chromium from the PATH, with a profile of its own, that ends with the test. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Scope } from './child-handle.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** Quiet: nothing but the page under test is ever asked for. As root a sandbox cannot be had. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser(scope: Scope): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: findBrowser(), args: ARGS, timeout: 60_000 });
  scope.teardown(() => browser.close());
  return browser;
}

function findBrowser(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('there is no Chromium on the PATH: see test/support/install-chromium.sh');
}
