/** The paths of the admin listener that read and edit actors. */
import t from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { ask, post } from '../support/json-client.js';
import { pause } from '../support/pause.js';

const env = { ADMIN_HOST_PORT: '127.0.0.1:0' };

t.test('keys are listed page by page, each once', async (t) => {
  const warren = await serveCounters(t, env);
  const keys = Array.from({ length: 25 }, (_, at) => `k${at}`);
  for (const key of [...keys, 'other']) await post(warren.url, `/counter/${key}/add`);
  const found: string[] = [];
  let after = '';
  for (;;) {
    const query = `actor=counter&prefix=k&limit=10${after && `&after=${encodeURIComponent(after)}`}`;
    const { body } = await ask(warren.adminUrl, `/actors?${query}`);
    const { actors, next } = body as { actors: { key: string }[]; next?: string };
    t.ok(actors.length <= 10);
    found.push(...actors.map(({ key }) => key));
    if (next === undefined) break;
    after = next;
  }
  t.strictSame(found.sort(), keys.sort());
});

t.test('what cannot be answered is refused with a status and a sentence', async (t) => {
  const warren = await serveCounters(t, env);
  await post(warren.url, '/counter/a/add');
  const cases: [method: string, path: string, status: number, title: RegExp][] = [
    ['GET', '/state?actor=counter&key=b', 404, /no state/],
    ['GET', '/state?actor=counter', 400, /key/],
    ['GET', '/state', 400, /actor/],
    ['GET', '/actors?actor=counter&limit=0', 400, /limit/],
    ['GET', '/actors?actor=counter&limit=1001', 400, /limit/],
    ['PUT', '/state?actor=nobody&key=a', 404, /No such actor/],
    ['PUT', '/state?actor=counter&key=', 400, /key/],
    ['DELETE', `/state?actor=counter&key=${'x'.repeat(257)}`, 400, /key/],
    ['DELETE', '/state?actor=counter&key=a&if=0.9.9', 409, /last commit is 0\.1\.1/],
    ['POST', '/state?actor=counter&key=a', 405, /method/],
    ['DELETE', '/export', 405, /method/],
  ];
  for (const [method, path, status, title] of cases) {
    const init = method === 'PUT' ? { method, body: '{"n":1}' } : { method };
    t.match(await ask(warren.adminUrl, path, init), { status, body: { status, title } }, `${method} ${path}`);
  }
  const large = await ask(warren.adminUrl, '/state?actor=counter&key=a', {
    method: 'PUT',
    body: ' '.repeat(2 ** 21),
  });
  t.match(large, { status: 413 });
  t.equal((await ask(warren.url, '/counter/a/get')).body, 1, 'and nothing has changed');
});

t.test('a page of another site edits nothing', async (t) => {
  const warren = await serveCounters(t, env);
  await post(warren.url, '/counter/a/add');
  const headers = { Origin: 'http://elsewhere.example' };
  for (const method of ['PUT', 'DELETE']) {
    const init = method === 'PUT' ? { method, headers, body: '{"n":9}' } : { method, headers };
    t.match(await ask(warren.adminUrl, '/state?actor=counter&key=a', init), { status: 403 }, method);
  }
  t.equal((await ask(warren.url, '/counter/a/get')).body, 1);
});

t.test('a reader that gives an export up leaves room for others', async (t) => {
  const warren = await serveCounters(t, { ...env, STATE_LIMIT_KB: '1024' });
  for (let key = 0; key < 8; key++) await post(warren.url, `/counter/k${key}/store`, '{"bytes":1000000}');
  for (let round = 0; round < 6; round++) {
    const leaves = new AbortController();
    const { body, status } = await fetch(`${warren.adminUrl}/export`, { signal: leaves.signal });
    t.equal(status, 200);
    await body?.getReader().read();
    leaves.abort();
    // The listener hears of it a little later; meanwhile it may say that too many are under way.
    while ((await (await fetch(`${warren.adminUrl}/export`)).text()).endsWith('"lines":8}\n') === false)
      await pause();
  }
});
