/** What Redis refuses until somebody has mended it: at a start, while serving, and the rights that are enough. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { refusals, servedOrRefused, underLoad } from '../faults/under-load.js';
import { ready } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { startClusterNode } from '../support/redis-cluster.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { type ServerEnv, spawnWarren, startWarren, type WarrenProcess } from '../support/warren-process.js';

const KEY = 'warren:{0}:fence';
const RUNBOOK = new URL('../../../docs/operations/runbook.md', import.meta.url);
const PASSWORD = 'a-long-random-password';

/** Runs the line of the runbook, as an operator would. */
async function makeUser(redis: RedisProcess): Promise<string> {
  const [line = ''] = /^redis-cli ACL SETUSER .*$/m.exec(await readFile(RUNBOOK, 'utf8')) ?? [];
  const command = line.replace('redis-cli', `redis-cli -p ${redis.port}`);
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  if (stdout.trim() !== 'OK') throw new Error(`${command}: ${stdout}`);
  return `redis://warren:${PASSWORD}@${redis.hostPort}`;
}

/** Whatever is printed is a line of the log. */
function onlyTheLog(t: Test, warren: WarrenProcess): void {
  for (const line of warren.output.split('\n').filter(Boolean)) {
    t.doesNotThrow(() => JSON.parse(line), line);
  }
  t.notMatch(warren.output, PASSWORD);
}

t.test('the rights of the runbook are enough to take over, serve, stop and start again', async (t) => {
  const redis = await startRedis(t);
  await redisCommand(redis, 'SET', 'fibonacci_current', '5');
  const env = { REDIS_URL: await makeUser(redis), INSTANCE_ID: 'one' };
  const warren = await startWarren(t, { env });
  await ready(warren);
  for (const index of [6, 7]) t.equal((await get(warren.url, '/next')).headers['sequence-index'], `${index}`);
  t.equal(await warren.stop(), 0);
  const again = await warren.again({ INSTANCE_ID: 'two' });
  await ready(again);
  t.equal((await get(again.url, '/next')).headers['sequence-index'], '8');
  t.equal(await again.stop(), 0);
  // Operators read, and empty what an import has left, with the same rights.
  const file = join(t.testdir(), 'export.jsonl');
  const exported = await runCli(t, ['export'], { ...env, ADMIN_HOST_PORT: '' });
  t.equal(exported.code, 0, exported.output);
  await redisCommand(redis, 'FLUSHALL');
  const [header = '', ...lines] = exported.output.split('\n');
  for (const [part, args] of [
    [
      [header, ...lines.slice(0, 1)],
      ['import', file],
    ],
    [
      [header, ...lines],
      ['import', file, '--again'],
    ],
  ] as const) {
    await writeFile(file, part.join('\n'));
    const { code, output } = await runCli(t, args, env);
    t.equal(code, args.length === 2 ? 1 : 0, output);
  }
  t.strictSame(await redisCommand(redis, 'ACL', 'LOG'), [], 'and nothing was asked for that they forbid');
  onlyTheLog(t, warren);
});

t.test(
  'the rights of the runbook are enough for several nodes, and one that loses them says so',
  async (t) => {
    const redis = await startRedis(t);
    const url = await makeUser(redis);
    const env = { REDIS_URL: url, NODE_HOST_PORT: '', SHARDS: '4' };
    const one = await startWarren(t, { env: { ...env, INSTANCE_ID: 'one' } });
    const two = await startWarren(t, { env: { ...env, INSTANCE_ID: 'two' } });
    await ready(one);
    await ready(two);
    for (const index of [1, 2]) t.equal((await get(two.url, '/next')).headers['sequence-index'], `${index}`);
    const listed = await runCli(t, ['nodes'], { ...env, ADMIN_HOST_PORT: '' });
    t.match(listed, { code: 0, output: /^one .*\n^two /m });
    t.equal(await two.stop(), 0);
    t.strictSame(await redisCommand(redis, 'ACL', 'LOG'), [], 'nothing was asked for that they forbid');
    await redisCommand(redis, 'ACL', 'SETUSER', 'warren', '-time');
    const { reason } = await one.waitForLog(({ msg }) => msg === 'this node cannot say that it lives');
    t.match(reason, /TIME.* on "warren:\{nodes\}:members"/);
    t.equal((await get(one.url, '/next')).headers['sequence-index'], '3', 'alone it goes on');
    onlyTheLog(t, one);
  },
);

t.test('a start that Redis will never let serve ends with a code and a sentence', async (t) => {
  const redis = await startRedis(t);
  const url = await makeUser(redis);
  const user = (...rules: string[]) => redisCommand(redis, 'ACL', 'SETUSER', 'warren', ...rules);
  const cases: [string, () => Promise<unknown>, ServerEnv, RegExp][] = [
    [
      'a wrong password',
      async () => {},
      { REDIS_URL: url.replace(PASSWORD, 'wr0ng') },
      /AUTH for the user "warren": WRONGPASS/,
    ],
    [
      'no right to a key',
      async () => {},
      { REDIS_URL: url, REDIS_PREFIX: 'other' },
      /GET on "other:\{0\}:fence": NOPERM/,
    ],
    ['no right to select', async () => {}, { REDIS_URL: `${url}/3` }, /SELECT of the database 3: NOPERM/],
    [
      'no right to a script',
      () => user('-eval'),
      { REDIS_URL: url },
      /EVAL.* on "warren:\{0\}:self-test:.*NOPERM/,
    ],
    [
      'no right to write',
      () => user('+eval', '-set'),
      { REDIS_URL: url },
      /SET on "warren:\{0\}:self-test:.*NOPERM/,
    ],
    [
      'no right to the time',
      () => user('+set', '-time'),
      { REDIS_URL: url, NODE_HOST_PORT: '', SHARDS: '4' },
      /TIME.* on "warren:\{nodes\}:members"/,
    ],
    [
      'no right to read the key of the Go service',
      () => user('+time', 'resetkeys', '~warren:{0}:*'),
      { REDIS_URL: url },
      /GET on "fibonacci_current": NOPERM/,
    ],
    ['no right to anything', () => user('-@all'), { REDIS_URL: url }, /GET on "warren:\{0\}:fence": NOPERM/],
    ['no user any longer', () => user('off'), { REDIS_URL: url }, /WRONGPASS/],
  ];
  for (const [name, begin, env, said] of cases) {
    await begin();
    const warren = await spawnWarren(t, { env });
    t.strictSame(await warren.exited, { code: 1, signal: null }, name);
    t.match(warren.logs.at(-1), { level: 60, code: 'store-denied', msg: said }, name);
    onlyTheLog(t, warren);
  }
  // What has expired counts until Redis has deleted it.
  while ((await redisCommand(redis, 'DBSIZE')) !== 0) await pause();
  t.pass('and nothing was written');
});

t.test('rights that go away while it serves: 503 and a plain word, and nothing is lost', async (t) => {
  const redis = await startRedis(t);
  const env = { REDIS_URL: await makeUser(redis) };
  const warren = await startWarren(t, { env });
  const told = (said: RegExp) =>
    warren.waitForLog(({ msg, reason }) => msg === 'the store is away' && said.test(String(reason)), 30_000);
  const report = await underLoad(t, warren, { clients: 10 }, async () => {
    await redisCommand(redis, 'ACL', 'SETUSER', 'warren', '-set');
    await told(/Redis refuses .*HDEL.* on "warren:\{0\}:fence"/);
    await isRefused(t, warren);
    await redisCommand(redis, 'ACL', 'SETUSER', 'warren', '+set');
    await ready(warren);
    // The connections of the user go with a changed password, and the next login fails.
    await redisCommand(redis, 'ACL', 'SETUSER', 'warren', 'resetpass', '>another');
    await redisCommand(redis, 'CLIENT', 'KILL', 'USER', 'warren');
    await told(/AUTH for the user "warren": WRONGPASS/);
    await isRefused(t, warren);
    await redisCommand(redis, 'ACL', 'SETUSER', 'warren', 'resetpass', `>${PASSWORD}`);
    await ready(warren);
    await redisCommand(
      redis,
      'EVAL',
      "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'x')",
      '1',
      KEY,
    );
    await told(/GET on "warren:\{0\}:fence": WRONGTYPE/);
    await isRefused(t, warren);
    await redisCommand(redis, 'DEL', KEY);
    await ready(warren);
  });
  servedOrRefused(t, report);
  t.ok(refusals(report) > 0);
  onlyTheLog(t, warren);
});

t.test(
  'a Redis in cluster mode: taken over from the Go service, served, stopped, served again',
  async (t) => {
    const node = await startClusterNode(t);
    await redisCommand(node, 'SET', 'fibonacci_current', '5');
    const warren = await startWarren(t, { env: { REDIS_HOST_PORT: node.hostPort, INSTANCE_ID: 'one' } });
    await ready(warren);
    t.equal((await get(warren.url, '/next')).headers['sequence-index'], '6');
    t.equal(await warren.stop(), 0);
    const again = await warren.again();
    await ready(again);
    t.equal((await get(again.url, '/next')).headers['sequence-index'], '7');
  },
);

t.test(
  'a Redis that is full of clients: the log has its words, and it is served from when there is room',
  async (t) => {
    const redis = await startRedis(t);
    const url = await makeUser(redis);
    // The one connection is kept by the test.
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    t.teardown(() => admin.disconnect());
    await admin.config('SET', 'maxclients', '1');
    const warren = await startWarren(t, { env: { REDIS_URL: url } });
    await warren.waitForLog(
      ({ msg, reason }) =>
        msg === 'the store is away' && /max number of clients reached/.test(String(reason)),
      30_000,
    );
    await admin.config('SET', 'maxclients', '100');
    await ready(warren);
    t.equal((await get(warren.url, '/next')).status, 200);
    onlyTheLog(t, warren);
  },
);

async function isRefused(t: Test, warren: WarrenProcess): Promise<void> {
  // Requests are held for the grace first.
  let answer = await get(warren.url, '/next');
  while (answer.status === 200) answer = await get(warren.url, '/next');
  t.match(answer, { status: 503 });
  t.match(JSON.parse(answer.body), { code: 'store-unavailable' });
}
