/** One process per data folder, no longer than it lives; and a damaged record is refused, never overwritten. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { redisCommand } from '../support/redis-command.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-folder-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

t.test(
  'a second process on the same folder says so and exits with 1, and the first one goes on',
  async (t) => {
    const DATA_DIR = await folderOf(t);
    const first = await startWarren(t, { env: { DATA_DIR } });
    await get(first.url, '/next');
    const second = await spawnWarren(t, { env: { DATA_DIR } });
    t.strictSame(await second.exited, { code: 1, signal: null });
    t.match(second.logs.at(-1), {
      level: 60,
      code: 'folder-in-use',
      msg: new RegExp(`another process serves from .*: process ${first.pid} on host .*must stop first`),
    });
    t.notOk(second.logs.some((line) => line.msg === 'listening'));
    t.equal((await get(first.url, '/next')).headers['sequence-index'], '2');
  },
);

t.test('after kill -9 the folder is free at once', async (t) => {
  let warren = await startWarren(t);
  await get(warren.url, '/next');
  for (let times = 0; times < 3; times++) {
    warren.kill();
    await warren.exited;
    warren = await warren.again();
    t.equal(await currentIndex(warren.url), 1);
  }
});

t.test('a damaged database is refused with a reason, and not a byte of it is changed', async (t) => {
  const DATA_DIR = await folderOf(t);
  const first = await startWarren(t, { env: { DATA_DIR } });
  for (let index = 1; index <= 3; index++) await get(first.url, '/next');
  await first.stop();
  const folder = join(DATA_DIR, 'level');
  const [log = ''] = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const file = join(folder, log);
  const intact = await readFile(file);
  t.ok(intact.includes('"state":3'), 'the record is readable with plain tools');
  const flipped = Buffer.from(intact.toString('latin1').replaceAll('"state":3', '"state":7'), 'latin1');
  for (const [name, bytes] of [
    ['another digit', flipped],
    ['a broken length', Buffer.concat([intact.subarray(0, 5), Buffer.of(0xff), intact.subarray(6)])],
    ['text', Buffer.from('this is not a database\n'.repeat(1_000))],
    ['its beginning lost', intact.subarray(100)],
  ] as const) {
    await writeFile(file, bytes);
    const warren = await spawnWarren(t, { env: { DATA_DIR } });
    t.strictSame(await warren.exited, { code: 1, signal: null }, name);
    t.match(warren.logs.at(-1), { level: 60, code: 'store-corrupt' }, `${name}: says why`);
    t.ok((await readFile(file)).equals(bytes), `${name}: nothing is overwritten`);
  }
  await writeFile(file, intact);
  const restored = await startWarren(t, { env: { DATA_DIR } });
  t.equal(
    (await get(restored.url, '/next')).headers['sequence-index'],
    '4',
    'the file put back is good again',
  );
});

t.test('the LMDB store of an older version is refused with the way out, and left as it is', async (t) => {
  const DATA_DIR = await folderOf(t);
  await writeFile(join(DATA_DIR, 'warren.mdb'), 'as it was');
  const warren = await spawnWarren(t, { env: { DATA_DIR } });
  t.strictSame(await warren.exited, { code: 1, signal: null });
  t.match(warren.logs.at(-1), { level: 60, code: 'store-foreign', msg: /LMDB store of an older version/ });
  t.strictSame(await readdir(DATA_DIR), ['warren.mdb']);
});

t.test('a damaged or foreign Redis record is refused with a reason, and left as it is', async (t) => {
  const redis = await startRedis(t);
  const key = 'warren:{0}:fence';
  const env = { REDIS_HOST_PORT: redis.hostPort, INSTANCE_ID: 'one' };
  const first = await startWarren(t, { env });
  await get(first.url, '/next');
  await first.stop();
  const record = String(await redisCommand(redis, 'GET', key));
  for (const [name, text, code] of [
    ['another digit', record.replace('"version":1', '"version":2'), 'store-corrupt'],
    ['cut off', record.slice(0, -10), 'store-corrupt'],
    ['no JSON', 'hello', 'store-corrupt'],
    ['empty', '', 'store-corrupt'],
    ['a bare number', '42', 'store-foreign'],
    ['of an earlier form', record.replace('warren/4', 'warren/3'), 'store-foreign'],
    ['of a later format', record.replace('warren/4', 'warren/5'), 'store-foreign'],
  ] as const) {
    await redisCommand(redis, 'SET', key, text);
    const warren = await spawnWarren(t, { env });
    t.strictSame(await warren.exited, { code: 1, signal: null }, name);
    t.match(warren.logs.at(-1), { level: 60, code }, `${name}: says why`);
    t.equal(await redisCommand(redis, 'GET', key), text, `${name}: nothing is overwritten`);
  }
  await redisCommand(redis, 'DEL', key);
  await redisCommand(redis, 'RPUSH', key, 'x');
  const warren = await spawnWarren(t, { env });
  t.strictSame(await warren.exited, { code: 1, signal: null }, 'a list');
  t.match(warren.logs.at(-1), { level: 60, code: 'store-denied', msg: /"warren:\{0\}:fence".*WRONGTYPE/ });
  t.strictSame(await redisCommand(redis, 'LRANGE', key, '0', '-1'), ['x']);
});
