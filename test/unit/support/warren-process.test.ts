/** Lifecycles of a server as a child process, shown on small stand-ins for the real one. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { get, RequestFailed, rawRequest } from '../../support/http-client.js';
import { spawnWarren, startWarren } from '../../support/warren-process.js';

const fixture = (name: string) => new URL(`../../support/fixtures/${name}.js`, import.meta.url);
const entry = fixture('counter-server');

t.test('a started server is reached at its url, and SIGTERM ends it with its exit code', async (t) => {
  const warren = await startWarren(t, { entry });
  const answer = await get(warren.url, '/next');
  t.match(answer, { status: 200, body: '{"next": 1}', headers: { 'sequence-index': '1' } });
  t.equal(await warren.stop(), 0);
  t.strictSame(await warren.exited, { code: 0, signal: null });
  t.ok(warren.logs.some((line) => line.msg === 'stopping'));
});

t.test('a server killed and started again has the same port and data', async (t) => {
  const first = await startWarren(t, { entry });
  await get(first.url, '/next', { method: 'POST' });
  first.kill();
  t.strictSame(await first.exited, { code: null, signal: 'SIGKILL' });
  const second = await first.again();
  t.equal(second.url, first.url);
  t.not(second.pid, first.pid);
  t.equal((await get(second.url, '/next')).body, '{"next": 1}');
  await first.close();
  t.ok(existsSync(second.dataDir), 'the data belong to the successor');
  await second.close();
  t.notOk(existsSync(second.dataDir));
});

t.test('a running server has no successor', async (t) => {
  const warren = await startWarren(t, { entry });
  await t.rejects(warren.again(), /still runs/);
});

t.test(
  'the server sees only the environment given, and PATH, not even what the test runner adds',
  async (t) => {
    const warren = await startWarren(t, { entry, env: { GREETING: 'hello' } });
    const seen = JSON.parse((await get(warren.url, '/env')).body);
    t.match(seen, { GREETING: 'hello', PATH: String, DATA_DIR: warren.dataDir });
    t.notOk('HOME' in seen || 'NODE_OPTIONS' in seen || 'TAP' in seen, Object.keys(seen).join(' '));
    t.strictSame(warren.logs[0], { raw: 'hello' }, 'a line that is no JSON is kept');
  },
);

t.test('a log line can be awaited before and after it is written', async (t) => {
  const warren = await startWarren(t, { entry });
  const poked = warren.waitForLog((line) => line.msg === 'poked');
  warren.kill('SIGUSR2');
  t.equal(await poked, await warren.waitForLog((line) => line.msg === 'poked'));
  await t.rejects(
    warren.waitForLog((line) => line.msg === 'unheard', 1),
    /waited for 1 ms[\s\S]*listening/,
  );
  const never = warren.waitForLog((line) => line.msg === 'unheard');
  warren.kill();
  await t.rejects(never, /the process ended \(code null, signal SIGKILL\)/);
});

t.test('a server that dies at its start is reported with its output', async (t) => {
  await t.rejects(startWarren(t, { entry: fixture('dies-at-start') }), /code 78[\s\S]*not a port/);
  const warren = await spawnWarren(t, { entry: fixture('dies-at-start') });
  t.equal((await warren.exited).code, 78);
  t.match(warren.output, 'not a port');
});

t.test('a server that never listens is reported with its output, and is ended by force', async (t) => {
  const warren = await spawnWarren(t, { entry: fixture('never-listens') });
  await warren.waitForLog((line) => line.msg === 'thinking');
  await t.rejects(warren.listening(1), /waited for 1 ms[\s\S]*thinking/);
  await t.rejects(warren.stop(1), /ignored SIGTERM/);
  t.strictSame(await warren.exited, { code: null, signal: 'SIGKILL' });
});

t.test('a failed request tells whether the server may have executed it', async (t) => {
  const warren = await startWarren(t, { entry });
  const { url } = warren;
  warren.kill('SIGSTOP');
  const late = (error: unknown) => error instanceof RequestFailed && error.code === 'ETIMEDOUT';
  t.ok(late(await get(url, '/next', { timeoutMs: 1 }).catch((error) => error)));
  const cut = get(url, '/next').catch((error) => error);
  // A suspended server gives no sign that the request has reached it; the kernel took it when it took the one before.
  await delay(1_000);
  warren.kill();
  t.match(await cut, { maybeExecuted: true });
  await warren.exited;
  t.match(await get(url, '/next').catch((error) => error), { code: 'ECONNREFUSED', maybeExecuted: false });
});

t.test('raw bytes are sent as they are, and the raw answer comes back', async (t) => {
  const warren = await startWarren(t, { entry });
  t.match((await rawRequest(warren.port, 'NONSENSE\r\n\r\n', 5_000)).toString(), /^HTTP\/1\.1 400 /);
});
