/** The client in a real browser, on a page of another origin: its headers pass the preflight, and it reads those of the answer. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { startBrowser } from '../support/browser.js';
import { startFaultProxy } from '../support/fault-proxy.js';

const BUILT = new URL('../../src/', import.meta.url);
const browser = await startBrowser(t);

/** A site that has the client's files as they are built. @returns its address. */
async function site(t: Test): Promise<string> {
  const server = createServer(async ({ url = '' }, response) => {
    const isScript = /^\/(client|runtime)\/[a-z-]+\.js$/.test(url);
    const body = isScript
      ? await readFile(new URL(`.${url}`, BUILT))
      : '<!doctype html><link rel="icon" href="data:,">';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(body);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the site has no port');
  return `http://127.0.0.1:${address.port}`;
}

t.test(
  'commands take effect once from a page of another origin, also when their connections break',
  async (t) => {
    const origin = await site(t);
    const warren = await serveCounters(t, { CORS_ORIGIN: origin });
    const proxy = await startFaultProxy(t, warren.port);
    const page = await browser.newPage();
    t.teardown(() => page.close());
    await page.goto(origin);
    const call = (code: string) =>
      page.evaluate<Record<string, unknown>>(`(async () => {
      const { createClient } = await import('/client/index.js');
      const { counter } = createClient('http://127.0.0.1:${proxy.port}', { silenceMs: 2_000 });
      return ${code};
    })()`);
    t.match(await call("counter('a').add()"), { ok: true, reply: 1, replayed: false, commit: /^0\.1\.\d+$/ });
    t.match(await call("counter('a').get()"), { ok: true, reply: 1, replayed: false });
    t.match(await call("counter('a').refuse()"), { ok: false, refusal: { code: 'no', details: { n: 1 } } });
    // The answer is cut off: it took effect, and only the client does not know.
    const cut = proxy.cutAfterBytes(60);
    const again = call("counter('a').add()");
    await cut;
    t.match(await again, { ok: true, reply: 2, replayed: true, commit: /^0\.1\.\d+$/ });
    t.match(await call("counter('a').get()"), { reply: 2 });
    proxy.blackhole(true);
    const lost = call(
      "counter('a').add(undefined, { deadlineMs: 500 }).catch(({ name, outcomeUnknown }) => ({ name, outcomeUnknown }))",
    );
    t.strictSame(await lost, { name: 'NoAnswerError', outcomeUnknown: true });
  },
);
