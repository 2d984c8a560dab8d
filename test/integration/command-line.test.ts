/** The process before it serves: help, version, and a configuration that is wrong, told all at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startRedis } from '../support/redis-process.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

t.test('--help explains every variable and exits with 0, whatever the configuration', async (t) => {
  const warren = await spawnWarren(t, { args: ['--help'], env: { MAX_INDEX: 'rubbish' } });
  t.strictSame(await warren.exited, { code: 0, signal: null });
  for (const name of ['SERVING_HOST_PORT', 'REDIS_HOST_PORT', 'DURABILITY', 'MAILBOX_LIMIT', 'LOG_LEVEL']) {
    t.match(warren.output, new RegExp(`^ +${name} +\\S`, 'm'), name);
  }
});

t.test('--version prints the version and exits with 0', async (t) => {
  const warren = await spawnWarren(t, { args: ['--version'] });
  t.strictSame(await warren.exited, { code: 0, signal: null });
  t.equal(warren.output, `${version}\n`);
});

t.test('an unknown option exits with 78', async (t) => {
  const warren = await spawnWarren(t, { args: ['--port=80'] });
  t.strictSame(await warren.exited, { code: 78, signal: null });
  t.match(warren.output, 'there is no option --port=80');
});

t.test('the sequence is served beside other actors, and only where it is named', async (t) => {
  const counter = fileURLToPath(new URL('../support/fixtures/counter-actor.js', import.meta.url));
  const add = (url: string) => get(url, '/counter/a/add', { method: 'POST' });
  const both = await startWarren(t, { env: { ACTORS: `${counter},fibonacci` } });
  for (const n of [1, 2]) {
    t.equal((await get(both.url, '/next')).headers['sequence-index'], `${n}`);
    t.equal((await add(both.url)).body, `${n}`);
  }
  both.kill();
  await both.exited;
  const again = await both.again();
  t.equal((await get(again.url, '/current')).headers['sequence-index'], '2');
  t.equal((await add(again.url)).body, '3');
  await again.stop();
  const alone = await again.again({ ACTORS: counter });
  t.equal((await get(alone.url, '/next')).status, 404);
  t.equal((await add(alone.url)).body, '4');
});

t.test('every problem of a configuration is told at once, with exit code 78, and no secret', async (t) => {
  const env = {
    SERVING_HOST_PORT: 'nowhere',
    STORE: 'postgres',
    REDIS_URL: 'http://user:hunter2@localhost:6379',
    REDIS_HOST_PORT: 'localhost:99999',
    DURABILITY: 'maybe',
    INITIAL_INDEX: '-1',
    MAX_INDEX: 'NaN',
    MAILBOX_LIMIT: '0',
    WATCHDOG_MS: '1.5',
    FAULTS: 'yes',
    LOG_LEVEL: 'loud',
  };
  const warren = await spawnWarren(t, { env });
  t.strictSame(await warren.exited, { code: 78, signal: null });
  for (const name of Object.keys(env)) t.match(warren.output, new RegExp(`^ +- ${name} must`, 'm'), name);
  t.notMatch(warren.output, 'hunter2');
});

t.test(
  'the first lines tell where it listens, which store it has and which index it starts at',
  async (t) => {
    const env = { ADMIN_HOST_PORT: '127.0.0.1:0', INITIAL_INDEX: '7' };
    const warren = await startWarren(t, { env });
    await warren.waitForLog((line) => line.msg === 'serving');
    const listening = warren.logs.find(({ msg }) => msg === 'listening');
    t.match(listening, {
      msg: 'listening',
      host: '127.0.0.1',
      port: Number,
      store: 'level',
      place: join(warren.dataDir, 'level'),
      durability: 'gated',
      admin: /^http:\/\/127\.0\.0\.1:\d+$/,
      version,
    });
    t.match(
      warren.logs.find(({ msg }) => msg === 'serving'),
      { origin: 'fresh', epoch: 1 },
    );
    t.match(await warren.waitForLog((line) => line.msg === 'ready'), { index: 7 });
    t.ok(warren.logs.length <= 4, 'within a few lines');
  },
);

t.test('a password in REDIS_URL is used and never logged', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: 'hunter2' } });
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url, LOG_LEVEL: 'trace' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const place = `Redis 127.0.0.1:${redis.port}, keys warren:*`;
  t.match(warren.logs[0], { msg: 'listening', store: 'redis', place });
  const wrong = await spawnWarren(t, { env: { REDIS_URL: redis.url.replace('hunter2', 'swordfish') } });
  t.strictSame(await wrong.exited, { code: 1, signal: null }, 'a wrong one ends a start');
  t.match(wrong.logs.at(-1), {
    level: 60,
    code: 'store-denied',
    msg: /AUTH for the user "default": WRONGPASS/,
  });
  await warren.stop();
  t.notMatch(warren.output, 'hunter2');
  t.notMatch(wrong.output, 'swordfish');
});

t.test('a port that is taken is a clear end with 1, and leaves the data folder free', async (t) => {
  const first = await startWarren(t);
  const second = await spawnWarren(t, { env: { SERVING_HOST_PORT: `127.0.0.1:${first.port}` } });
  t.strictSame(await second.exited, { code: 1, signal: null });
  t.match(second.logs.at(-1), { level: 60, code: 'listen-failed', msg: new RegExp(`${first.port}.*taken`) });
  const third = await startWarren(t, { env: { DATA_DIR: second.dataDir } });
  await third.waitForLog((line) => line.msg === 'serving');
});
