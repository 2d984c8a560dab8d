/** Warren as a library: a process that belongs to somebody else serves actors, asks them, and goes on when they are gone. */
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { AskError, type Service, type Settings, serve } from '../../src/index.js';
import { ChildHandle } from '../support/child-handle.js';
import { freePort } from '../support/free-port.js';
import { post } from '../support/json-client.js';

const COUNTER = new URL('../support/fixtures/counter-actor.js', import.meta.url);
const WALLET = new URL('../../docs/examples/wallet/wallet.js', import.meta.url);
const HOST = fileURLToPath(new URL('../support/fixtures/host-program.js', import.meta.url));
const SETTINGS: Settings = {
  STORE: 'memory',
  SERVING_HOST_PORT: '127.0.0.1:0',
  ASK_TIMEOUT_MS: 60_000,
  SHED_AFTER_MS: 60_000,
  WATCHDOG_MS: 30_000,
  LOG_LEVEL: 'silent',
};

async function counters(
  scope: { teardown(end: () => Promise<void>): void },
  settings: Settings = {},
): Promise<Service> {
  const service = await serve(COUNTER, { ...SETTINGS, ...settings });
  scope.teardown(() => service.close());
  return service;
}

t.test('messages of the process and of clients are one order on one state', async (t) => {
  const service = await counters(t);
  t.strictSame(await service.ask('counter', 'a', 'add'), { ok: true, reply: 1 });
  t.match(await post(service.url, '/counter/a/add'), { status: 200, body: 2 });
  const many = await Promise.all(
    Array.from({ length: 500 }, () => service.ask<number>('counter', 'a', 'add')),
  );
  t.strictSame(
    many.map(({ reply }) => reply),
    Array.from({ length: 500 }, (_, at) => at + 3),
  );
  t.strictSame(await service.ask('counter', 'a', 'get'), { ok: true, reply: 502 });
});

t.test('keys, inputs and replies are what they are over HTTP', async (t) => {
  const { ask } = bound(await counters(t));
  for (const key of ['ü', 'a b', 'a/b', '..', '%', '%41', '🐇', 'x'.repeat(256)]) {
    t.strictSame(await ask('counter', key, 'asked', { x: 1, gone: undefined }), {
      ok: true,
      reply: { input: { x: '1' }, key },
    });
  }
  const input = { a: [1, 'ü – 漢字 🐇', null, true, 1.5], big: 2n ** 53n + 1n };
  t.strictSame(await ask('counter', 'k', 'echo', { ...input, big: undefined }), {
    ok: true,
    reply: { a: input.a },
  });
  t.match(await ask('counter', 'k', 'echo'), { ok: true, reply: null });
  t.strictSame(await ask('counter', 'k', 'quiet'), { ok: true, reply: undefined });
  t.match(await ask('counter', 'k', 'add-big'), { reply: { big: 10n ** 30n } });
  await t.rejects(
    ask('counter', 'k', 'echo', input),
    { code: 'input-inexact' },
    'no double holds this bigint',
  );
});

t.test('a refusal is a value, and what is neither reply nor refusal is an error with a code', async (t) => {
  const { ask } = bound(await counters(t, { BODY_LIMIT_KB: 1 }));
  t.strictSame(await ask('counter', 'k', 'refuse'), {
    ok: false,
    refusal: { code: 'no', status: 423, details: { n: 0 } },
  });
  for (const [code, call] of Object.entries({
    'behavior-failed': () => ask('counter', 'k', 'throw'),
    'not-found': () => ask('counter', 'k', 'nothing'),
    'key-invalid': () => ask('counter', 'x'.repeat(257), 'add'),
    'bad-input': () => ask('counter', 'k', 'echo', { at: new Date() }),
    'body-too-large': () => ask('counter', 'k', 'echo', 'x'.repeat(1024)),
  })) {
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    t.ok(error instanceof AskError, code);
    t.match(error, { code, status: Number });
  }
  for (const key of ['', '\ud800', 5 as never])
    await t.rejects(ask('counter', key, 'add'), { code: 'key-invalid' });
});

t.test('an owner thread that dies is replaced, and what was asked is answered once', async (t) => {
  const { ask } = bound(await counters(t, { WATCHDOG_MS: 500 }));
  const before = await ask('counter', 'k', 'add');
  const spin = ask('counter', 'k', 'spin');
  const after = ask('counter', 'k', 'add');
  await t.rejects(spin, { code: 'poisoned' });
  t.match([before, await after], [{ reply: 1 }, { reply: 2 }]);
});

t.test('several services in one process know nothing of each other', async (t) => {
  const [one, other] = await Promise.all([counters(t), counters(t)]);
  const wallets = await serve([WALLET], SETTINGS);
  t.teardown(() => wallets.close());
  t.equal(new Set([one.url, other.url, wallets.url]).size, 3);
  await one.ask('counter', 'a', 'add');
  t.match(await other.ask('counter', 'a', 'add'), { reply: 1 });
  t.match(await wallets.ask('wallet', 'ada', 'deposit', { amount: '1.00' }), { reply: { balance: '1.00' } });
  await one.close();
  await one.close();
  await t.rejects(one.ask('counter', 'a', 'add'), { code: 'shutting-down' });
  t.match(await other.ask('counter', 'a', 'add'), { reply: 2 }, 'the end of one is not that of another');
});

t.test('what is stored is there for the next service, and a folder belongs to one at a time', async (t) => {
  const settings = { STORE: 'level', DATA_DIR: t.testdir() };
  const first = await counters(t, settings);
  const answers = [1, 2, 3].map(() => first.ask('counter', 'a', 'add'));
  await t.rejects(counters(t, settings), { code: 'folder-in-use' });
  t.match(await Promise.all(answers), [{ reply: 1 }, { reply: 2 }, { reply: 3 }]);
  await first.close();
  t.match(await (await counters(t, settings)).ask('counter', 'a', 'get'), { reply: 3 });
});

t.test('mistakes are told all at once, as an error', async (t) => {
  const wrong = serve([], { ...SETTINGS, STORE: 'tape', LEASE_MS: 1, COLOUR: 'red' } as Settings);
  await t.rejects(wrong, { code: 'config-invalid', message: /COLOUR.*no module.*STORE.*LEASE_MS/s });
  await t.rejects(serve('https://example.com/a.js', SETTINGS), { code: 'config-invalid' });
  await t.rejects(serve(join(t.testdir(), 'none.js'), SETTINGS), { code: 'actor-invalid' });
  const { url } = await counters(t);
  await t.rejects(counters(t, { SERVING_HOST_PORT: new URL(url).host }), { code: 'listen-failed' });
});

t.test('the process ends by itself when its services are closed, and takes its own signals', async (t) => {
  const child = await ChildHandle.spawn({ command: process.execPath, args: [HOST], env: {} });
  t.teardown(() => child.end());
  t.strictSame(await child.exited, { code: 0, signal: null }, child.output);
  t.match(child.output, 'no signal is taken, the host hung and lives, three starts failed, all is closed');
});

t.test('a program that is given as text serves, too', async (t) => {
  const text = `
    const { serve } = await import(${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)});
    const service = await serve(${JSON.stringify(COUNTER.href)}, ${JSON.stringify({ ...SETTINGS, RESTART_LIMIT: 0 })});
    console.log(JSON.stringify(await service.ask('counter', 'a', 'add')));
    await service.close();`;
  const args = ['--input-type=module', '-e', text];
  const child = await ChildHandle.spawn({ command: process.execPath, args, env: {} });
  t.teardown(() => child.end());
  t.strictSame(await child.exited, { code: 0, signal: null }, child.output);
  t.equal(child.output, '{"ok":true,"reply":1}\n');
});

t.test('a service runs on a thread other than the first, too', async (t) => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.library).then(async ({ serve }) => {
      const service = await serve(workerData.actors, workerData.settings);
      const answer = await service.ask('counter', 'a', 'add');
      await service.close();
      parentPort.postMessage(answer);
    });`;
  const library = new URL('../../src/index.js', import.meta.url).href;
  const worker = new Worker(source, {
    eval: true,
    workerData: {
      library,
      actors: COUNTER.href,
      settings: { ...SETTINGS, SERVING_HOST_PORT: `127.0.0.1:${await freePort()}` },
    },
  });
  const [answer] = await once(worker, 'message');
  t.strictSame(answer, { ok: true, reply: 1 });
  t.strictSame(await once(worker, 'exit'), [0]);
});

function bound(service: Service): Pick<Service, 'ask'> {
  return { ask: (...args) => service.ask(...args) };
}
