/** The process before it serves: help, version, and a configuration that is wrong, told all at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
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

t.test('the sequence is not served beside other actors, and the start says so with 78', async (t) => {
  for (const given of [{ env: { ACTORS: 'a.js,fibonacci' } }, { args: ['fibonacci', 'a.js'] }]) {
    const warren = await spawnWarren(t, given);
    t.strictSame(await warren.exited, { code: 78, signal: null });
    t.match(warren.output, 'ACTORS must name fibonacci alone');
  }
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
      { origin: 'fresh', index: 7, epoch: 1 },
    );
    t.ok(warren.logs.length <= 4, 'within a few lines');
  },
);

t.test('a password in REDIS_URL is used and never logged', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: 'hunter2' } });
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url, LOG_LEVEL: 'trace' } });
  await warren.waitForLog((line) => line.msg === 'serving');
  const place = `Redis 127.0.0.1:${redis.port}, key warren:{0}:fence`;
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
