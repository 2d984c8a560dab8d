/** `warren inspect` and `warren set-index` on stores of real servers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ready } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { startWarren } from '../support/warren-process.js';

t.test('inspect prints fence and sequence, also while a server runs', async (t) => {
  const warren = await startWarren(t);
  const env = { DATA_DIR: warren.dataDir };
  for (let index = 1; index <= 3; index++) await get(warren.url, '/next');
  const { code, output } = await runCli(t, ['inspect'], env);
  t.equal(code, 0, output);
  t.match(JSON.parse(output), { index: 3, digits: 1, fence: { epoch: 1, version: 3 } });
  t.equal((await get(warren.url, '/next')).body, '{"next": 3}', 'the server has noticed nothing');
});

t.test('set-index refuses while a server lives, and moves the sequence when it does not', async (t) => {
  const env = { DATA_DIR: await mkdtemp(join(tmpdir(), 'warren-data-')) };
  t.teardown(() => rm(env.DATA_DIR, { recursive: true, force: true }));
  const warren = await startWarren(t, { env });
  await get(warren.url, '/next');
  const refused = await runCli(t, ['set-index', '10', '--yes'], env);
  t.equal(refused.code, 1);
  t.match(refused.output, /another process serves/);
  await warren.stop();
  const unasked = await runCli(t, ['set-index', '10'], env);
  t.equal(unasked.code, 2);
  t.match(unasked.output, /holds index 1; it will hold index 10/);
  const { code, output } = await runCli(t, ['set-index', '10', '--yes'], env);
  t.equal(code, 0, output);
  const again = await startWarren(t, { env });
  t.equal((await get(again.url, '/next')).body, '{"next": 89}');
});

t.test('set-index warns before it goes back', async (t) => {
  const warren = await startWarren(t, { env: { INITIAL_INDEX: '5' } });
  await ready(warren);
  await warren.stop();
  const { output } = await runCli(t, ['set-index', '4'], { DATA_DIR: warren.dataDir });
  t.match(output, /will be handed out again/);
});

t.test('both work on Redis, and say nothing of its password', async (t) => {
  const redis = await startRedis(t);
  const env = { REDIS_URL: `redis://:secret-word@127.0.0.1:${redis.port}`, REDIS_PREFIX: 'mine' };
  const empty = await runCli(t, ['inspect'], env);
  t.equal(empty.code, 1);
  t.match(empty.output, /no fence|WRONGPASS|AUTH/);
  t.notMatch(empty.output, 'secret-word');
  const open = { REDIS_HOST_PORT: `127.0.0.1:${redis.port}`, REDIS_PREFIX: 'mine' };
  t.equal((await runCli(t, ['set-index', '7', '--yes'], open)).code, 0);
  t.match(JSON.parse((await runCli(t, ['inspect'], open)).output), { index: 7, fence: { epoch: 1 } });
});

t.test('set-index refuses while a server holds the lease on Redis', async (t) => {
  const redis = await startRedis(t);
  const env = { REDIS_URL: redis.url };
  const warren = await startWarren(t, { env });
  await ready(warren);
  const { code, output } = await runCli(t, ['set-index', '10', '--yes'], env);
  t.equal(code, 1);
  t.match(output, /Another instance \(.*\) serves from this store/);
  t.equal((await get(warren.url, '/next')).body, '{"next": 1}', 'the server has noticed nothing');
});

t.test('where nothing is, nothing is made', async (t) => {
  const folder = t.testdir();
  const { code, output } = await runCli(t, ['inspect'], { DATA_DIR: folder });
  t.equal(code, 1);
  t.match(output, /There is no store/);
  t.equal((await runCli(t, ['inspect'], { STORE: 'memory' })).code, 1);
  t.equal((await runCli(t, ['inspect'], { STORE: 'tape' })).code, 78);
  t.equal((await runCli(t, ['set-index', '-1', '--yes'], { DATA_DIR: folder })).code, 2);
  t.equal((await runCli(t, ['set-index', '20000001', '--yes'], { DATA_DIR: folder })).code, 2);
});
