/**
 * A Redis that refuses, hangs, dies or is cut off. What matters is the difference between "nothing happened"
 * (`store-refused`) and "anything may have happened" (`store-unreachable`), and that the next `load` tells the truth.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import type { RedisActorStore } from '../../../src/store/redis/redis-actor-store.js';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { freePort } from '../../support/free-port.js';
import { startRedis } from '../../support/redis-process.js';
import { fenceOf } from './store-contract.js';
import { adminOf, settled, storeAt } from './store-on-redis.js';

const PATIENCE_MS = 150;

t.test('writes that Redis refuses have not happened, and the connection stays', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  const store = storeOn(t, redis.port, 5_000);
  await store.commit(undefined, fenceOf(1), []);
  const before = await connectionsOf(admin);
  const refusals: Record<string, { begin: () => Promise<unknown>; end: () => Promise<unknown> }> = {
    OOM: {
      begin: () => admin.config('SET', 'maxmemory', '1'),
      end: () => admin.config('SET', 'maxmemory', '0'),
    },
    MISCONF: {
      begin: () => failSnapshots(admin, redis.folder),
      end: () => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
    },
    NOREPLICAS: {
      begin: () => admin.config('SET', 'min-replicas-to-write', '1'),
      end: () => admin.config('SET', 'min-replicas-to-write', '0'),
    },
  };
  for (const [name, { begin, end }] of Object.entries(refusals)) {
    await begin();
    await t.rejects(
      store.commit(fenceOf(1), fenceOf(2), []),
      { code: 'store-refused', message: new RegExp(name) },
      name,
    );
    t.strictSame(await store.fence(), fenceOf(1), `${name}: still readable, and unchanged`);
    await end();
  }
  t.equal(await connectionsOf(admin), before);
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
});

t.test('where nothing listens, nothing has happened', async (t) => {
  const store = storeOn(t, await freePort(), 5_000);
  await t.rejects(store.fence(), { code: 'store-refused' });
  await t.rejects(store.commit(undefined, fenceOf(1), []), { code: 'store-refused' });
});

t.test('a paused Redis: every call ends in time, and one connection is left when it wakes', async (t) => {
  const redis = await startRedis(t);
  const store = storeOn(t, redis.port, PATIENCE_MS);
  await store.commit(undefined, fenceOf(1), []);
  redis.pause();
  await t.rejects(store.commit(fenceOf(1), fenceOf(2), []), { code: 'store-unreachable' });
  for (let tries = 0; tries < 3; tries++) await t.rejects(store.fence());
  redis.resume();
  const stored = await store.fence();
  // The paused process may or may not have read the commit from its socket: both are told apart by the record alone.
  t.ok([1, 2].includes(stored?.version ?? 0));
  t.equal(await store.commit(stored, fenceOf(3), []), 'swapped');
  const admin = adminOf(t, redis);
  await settled(async () => (await connectionsOf(admin)) === 2);
});

t.test('a load that the caller has given up does not delay the next one', async (t) => {
  const redis = await startRedis(t);
  const store = storeOn(t, redis.port, 60_000);
  await store.commit(undefined, fenceOf(1), []);
  redis.pause();
  const abandoned = [store.fence(), store.fence(), store.fence()].map((load) => load.catch(() => 'cut off'));
  redis.resume();
  t.strictSame(await store.fence(), fenceOf(1));
  const outcomes = await Promise.all(abandoned);
  t.ok(outcomes.every((outcome) => outcome === 'cut off' || typeof outcome === 'object'));
  t.strictSame(await store.fence(), fenceOf(1), 'nor do their late ends take its connection');
});

t.test('a connection that is accepted and never answered ends in time', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
  });
  const store = storeOn(t, port, PATIENCE_MS);
  await t.rejects(store.fence(), { name: 'WarrenError' });
});

t.test('an answer cut off at any byte is unknown, and the next load tells what happened', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const store = storeOn(t, proxy.port, 5_000);
  let known = fenceOf(1);
  await store.commit(undefined, known, []);
  // The answer to a commit is ":1\r\n", and the client takes it for whole at its third byte.
  for (let bytes = 0; bytes < 3; bytes++) {
    const next = fenceOf(known.version + 1);
    const cut = proxy.cutAfterBytes(bytes);
    await t.rejects(store.commit(known, next, []), { code: 'store-unreachable' }, `after ${bytes} bytes`);
    await cut;
    t.strictSame(await store.fence(), next, 'Redis had carried it out');
    known = next;
  }
  const cut = proxy.cutAfterBytes(20);
  await t.rejects(store.fence(), { code: 'store-unreachable' }, 'in the middle of the record');
  await cut;
  t.strictSame(await store.fence(), known);
});

t.test('a Redis that was killed is found again on its port, with or without the record', async (t) => {
  for (const appendOnly of [true, false]) {
    const redis = await startRedis(t, { appendOnly, fsync: 'always' });
    const store = storeOn(t, redis.port, 5_000);
    await store.commit(undefined, fenceOf(1), []);
    await redis.kill();
    await t.rejects(store.fence(), { name: 'WarrenError' });
    await redis.restart();
    t.strictSame(await store.fence(), appendOnly ? fenceOf(1) : undefined);
  }
});

t.test('a connection on which much fails at once is closed once', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const redis = await startRedis(t);
  const store = storeOn(t, redis.port, PATIENCE_MS);
  await store.fence();
  redis.pause();
  const asked = Array.from({ length: 20 }, () => store.commit(undefined, fenceOf(1), []));
  for (const commit of await Promise.allSettled(asked)) t.equal(commit.status, 'rejected');
  redis.resume();
  await settled(async () => (await store.fence().catch(() => 'away')) !== 'away');
  t.strictSame(warnings, []);
});

t.test('a slow Redis within the bound is just slow', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startFaultProxy(t, redis.port);
  const store = storeOn(t, proxy.port, 5_000);
  await store.commit(undefined, fenceOf(1), []);
  proxy.delay(200);
  t.equal(await store.commit(fenceOf(1), fenceOf(2), []), 'swapped');
});

function storeOn(t: Test, port: number, timeoutMs: number): RedisActorStore {
  return storeAt(t, `redis://127.0.0.1:${port}`, timeoutMs);
}

async function connectionsOf(admin: Redis): Promise<number> {
  const [, count] = /connected_clients:(\d+)/.exec(await admin.info('clients')) ?? [];
  return Number(count);
}

/** A folder stands where the snapshot should go, so it fails, and Redis stops taking writes. */
async function failSnapshots(admin: Redis, folder: string): Promise<void> {
  await mkdir(join(folder, 'dump.rdb'));
  await admin.config('SET', 'save', '3600 1000000');
  await admin.bgsave();
  await settled(async () => (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'));
}
