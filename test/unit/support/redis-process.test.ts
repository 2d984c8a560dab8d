/** Lifecycles of a private Redis: every test starts its own, and each must be gone at its end. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import t from 'tap';
import { ChildHandle } from '../../support/child-handle.js';
import { LogTail } from '../../support/log-tail.js';
import { type RedisProcess, startRedis } from '../../support/redis-process.js';

t.test('a started Redis answers, and each has a port of its own', async (t) => {
  const [one, two] = await Promise.all([startRedis(t), startRedis(t)]);
  t.not(one.port, two.port);
  await withClient(one, (client) => client.set('key', 'one'));
  await withClient(two, async (client) => t.equal(await client.get('key'), null));
});

t.test('an append-only file brings the data back after SIGKILL, on the same port', async (t) => {
  const redis = await startRedis(t, { appendOnly: true, fsync: 'always' });
  const { port, pid } = redis;
  await withClient(redis, (client) => client.set('key', 'kept'));
  await redis.kill();
  t.throws(() => redis.pid, 'no pid while it is down');
  await redis.restart();
  t.equal(redis.port, port);
  t.not(redis.pid, pid);
  await withClient(redis, async (client) => t.equal(await client.get('key'), 'kept'));
});

t.test('without an append-only file a restart is a store that came back empty', async (t) => {
  const redis = await startRedis(t);
  await withClient(redis, (client) => client.set('key', 'lost'));
  await redis.restart();
  await withClient(redis, async (client) => t.equal(await client.get('key'), null));
});

t.test('a paused Redis answers nothing until it is resumed', async (t) => {
  const redis = await startRedis(t);
  const socket = connect(redis.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  redis.pause();
  let answered = false;
  const answer = once(socket, 'data').then(() => {
    answered = true;
  });
  socket.write('PING\r\n');
  // Two other processes come and go meanwhile: ample time for a Redis that could answer.
  await Promise.all([startRedis(t), startRedis(t)]);
  t.notOk(answered);
  redis.resume();
  await answer;
});

t.test('a paused Redis can be stopped and closed', async (t) => {
  const redis = await startRedis(t);
  redis.pause();
  await redis.stop();
  await redis.restart();
  redis.pause();
  await redis.close();
  t.notOk(existsSync(redis.folder));
});

t.test('directives reach the server, and the url carries the password', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: 'p@ss word', maxmemory: '64mb' } });
  await withClient(redis, async (client) => {
    t.strictSame(await client.config('GET', 'maxmemory'), ['maxmemory', String(64 * 1024 * 1024)]);
  });
  const socket = connect(redis.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('PING\r\n');
  const [answer] = await once(socket, 'data');
  t.match(String(answer), /^-NOAUTH/);
});

t.test('a directive that Redis refuses fails the start and shows what it said', async (t) => {
  await t.rejects(startRedis(t, { config: { maxmemory: 'plenty' } }), /FATAL CONFIG FILE ERROR/);
});

t.test('a Redis does not outlive a test process that is killed', async (t) => {
  const holder = await ChildHandle.spawn({
    command: process.execPath,
    args: [new URL('../../support/fixtures/holds-redis.js', import.meta.url).pathname],
    env: {},
  });
  t.teardown(() => holder.end());
  const { port, folder } = await new LogTail(holder).waitFor((line) => line.msg === 'holding', 10_000);
  t.teardown(() => rm(String(folder), { recursive: true, force: true }));
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  socket.resume();
  await holder.end();
  await closed;
});

async function withClient(redis: RedisProcess, use: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(redis.url, { lazyConnect: true });
  await client.connect();
  try {
    await use(client);
  } finally {
    client.disconnect();
  }
}
