/** The test of Redis at a start: what does not compare and set is refused, what may lose commits is warned of, and nothing else is. */
import { connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { ready } from '../support/actor-server.js';
import { get } from '../support/http-client.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisOptions, startRedis } from '../support/redis-process.js';
import { untilLinked } from '../support/redis-replica.js';
import { spawnWarren, startWarren, type WarrenProcess } from '../support/warren-process.js';

const KEYS = 'warren:{0}:*';
/** A Redis without a fault. */
const SOUND = { appendOnly: true } as const;

function warnings({ logs }: WarrenProcess): string[] {
  return logs.filter(({ level }) => level === 40).map(({ msg }) => String(msg));
}

async function isRefused(t: Test, port: number, said: RegExp): Promise<void> {
  const warren = await spawnWarren(t, { env: { REDIS_URL: `redis://127.0.0.1:${port}` } });
  t.strictSame(await warren.exited, { code: 1, signal: null });
  t.match(warren.logs.at(-1), { level: 60, code: 'store-unsafe', msg: said });
}

t.test('a Redis that does not compare and set ends the start with a code and a sentence', async (t) => {
  const faults: [string, RedisOptions['renamed'], RegExp][] = [
    [
      'a comparison that deletes',
      [
        ['GET', 'FORMER'],
        ['GETDEL', 'GET'],
      ],
      /does not compare and set: a commit that expected the stored fence was answered "changed"/,
    ],
    [
      'a comparison with another key',
      [
        ['GET', 'FORMER'],
        ['STRLEN', 'GET'],
      ],
      /a commit that expected the stored fence was answered "changed"/,
    ],
  ];
  for (const [name, renamed = [], said] of faults) {
    await t.test(name, async (t) => {
      const redis = await startRedis(t, { ...SOUND, renamed });
      await isRefused(t, redis.port, said);
      t.strictSame(await redisCommand(redis, 'KEYS', 'warren:{0}:fence'), [], 'and no fence was taken');
    });
  }
});

t.test('a commit that is done whatever it expects ends the start', async (t) => {
  const redis = await startRedis(t, SOUND);
  const port = await between(t, redis.port, (answer) => answer.replace('$7\r\nchanged', '$7\r\nswapped'));
  await isRefused(t, port, /a commit that expected another fence was answered "swapped"/);
});

t.test('a Redis without a fault is not warned of, and keeps nothing of the test', async (t) => {
  const redis = await startRedis(t, SOUND);
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url } });
  await ready(warren);
  t.strictSame(warnings(warren), []);
  let keys = await redisCommand(redis, 'KEYS', KEYS);
  while (String(keys).includes('self-test')) keys = await redisCommand(redis, 'KEYS', KEYS);
  t.strictSame((keys as string[]).sort(), ['warren:{0}:actors', 'warren:{0}:fence']);
  t.equal(await warren.stop(), 0);
});

t.test('each setting with which Redis may lose commits is one warning', async (t) => {
  const master = await startRedis(t, SOUND);
  const redis = await startRedis(t, {
    config: {
      'maxmemory-policy': 'allkeys-lru',
      replicaof: `127.0.0.1 ${master.port}`,
      'replica-read-only': 'no',
    },
  });
  await untilLinked(redis);
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url } });
  await ready(warren);
  t.match(warnings(warren), [/maxmemory-policy is allkeys-lru/, /no append-only file/, /is a replica/]);
  t.equal(warnings(warren).length, 3);
});

t.test(
  'a user without the right to INFO is served, and hears of it in a line for debugging alone',
  async (t) => {
    const redis = await startRedis(t, { config: { 'maxmemory-policy': 'allkeys-lru' } });
    await redisCommand(redis, 'ACL', 'SETUSER', 'u', 'on', '>pw', '~*', '+@all', '-info');
    const env = { REDIS_URL: `redis://u:pw@${redis.hostPort}`, LOG_LEVEL: 'debug' };
    const warren = await startWarren(t, { env });
    await ready(warren);
    t.strictSame(warnings(warren), []);
    const told = warren.logs.filter(({ reason }) => /info/i.test(String(reason)));
    t.match(told, [{ level: 20, reason: /NOPERM/ }]);
    t.equal((await get(warren.url, '/next')).status, 200);
  },
);

t.test('a Redis that is away at the start is tested when it comes', async (t) => {
  const redis = await startRedis(t, { config: { 'maxmemory-policy': 'allkeys-lru' } });
  await redis.stop();
  const warren = await startWarren(t, { env: { REDIS_URL: redis.url } });
  await warren.waitForLog(({ msg }) => msg === 'the store is away');
  await redis.restart();
  await ready(warren);
  // Told once more when Redis was silent at first and refuses connections then.
  t.match([...new Set(warnings(warren))], [/the store is away/, /maxmemory-policy/, /append-only/]);
});

t.test('a process tests once, whatever its owner threads and its Redis do', async (t) => {
  const redis = await startRedis(t, SOUND);
  // Redis keeps a list of what it has refused, so each test leaves a trace.
  await redisCommand(redis, 'ACL', 'SETUSER', 'u', 'on', '>pw', '~*', '+@all', '-info');
  const url = `redis://u:pw@${redis.hostPort}`;
  const env = { REDIS_URL: url, FAULTS: 'on', ADMIN_HOST_PORT: '127.0.0.1:0' };
  const warren = await startWarren(t, { env });
  await ready(warren);
  t.equal(((await redisCommand(redis, 'ACL', 'LOG')) as unknown[]).length, 1);
  await redisCommand(redis, 'ACL', 'LOG', 'RESET');
  await fetch(`${warren.adminUrl}/faults/crash-owner`, { method: 'POST' });
  await warren.waitForLog(({ msg, origin }) => msg === 'serving' && origin === 'resumed');
  // The owner meets it with its next command.
  await redisCommand(redis, 'CLIENT', 'KILL', 'USER', 'u');
  await warren.waitForLog(({ msg, origin }) => msg === 'serving' && origin === 'returned');
  t.strictSame(await redisCommand(redis, 'ACL', 'LOG'), []);
});

/** What stands between and alters the answers. @returns its port. */
async function between(t: Test, port: number, alter: (answer: string) => string): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', (chunk) => target.write(chunk));
    target.on('data', (chunk) => client.write(Buffer.from(alter(chunk.toString('latin1')), 'latin1')));
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
  });
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  return address.port;
}
