/** The registry of nodes, on a real Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { NodeEntry } from '../../../src/store/node-entry.js';
import { Connections } from '../../../src/store/redis/connections.js';
import { RedisNodeRegistry } from '../../../src/store/redis/redis-node-registry.js';
import { type RedisProcess, startRedis } from '../../support/redis-process.js';
import { nodeCalled } from '../nodes/node-entry.js';
import { adminOf } from './store-on-redis.js';

const KEY = 'warren:{nodes}:members';
/** Longer than any test. */
const TTL_MS = 600_000;

function registryAt(t: Test, redis: RedisProcess): RedisNodeRegistry {
  const connections = new Connections({ url: redis.url, prefix: 'warren' }, 5_000);
  t.teardown(() => connections.drop());
  return new RedisNodeRegistry(connections, 'warren');
}

function names(nodes: readonly NodeEntry[]): string[] {
  return nodes.map(({ instance, state }) => `${instance} ${state}`);
}

t.test('each node sees the living ones, whole, and itself among them', async (t) => {
  const redis = await startRedis(t);
  const [a, b] = [registryAt(t, redis), registryAt(t, redis)];
  const odd = nodeCalled('b: "1"\n%d ', { incarnation: 'b-1', actors: { räume: 2 }, process: '' });
  t.same((await a.beat(nodeCalled('a'), TTL_MS, '')).nodes, [nodeCalled('a')]);
  t.same(await b.beat(odd, TTL_MS, ''), { nodes: [nodeCalled('a'), odd], conflict: undefined });
  t.same((await a.beat(nodeCalled('a'), TTL_MS, '')).nodes, [nodeCalled('a'), odd]);
});

t.test('the list is a new one when a node has come, changed or gone, and only then', async (t) => {
  const redis = await startRedis(t);
  const [a, b] = [registryAt(t, redis), registryAt(t, redis)];
  const seen = async () => (await a.beat(nodeCalled('a'), TTL_MS, '')).nodes;
  const alone = await seen();
  t.equal(await seen(), alone);
  await b.beat(nodeCalled('b', { state: 'joining' }), TTL_MS, '');
  const both = await seen();
  t.same(names(both), ['a ready', 'b joining']);
  await b.beat(nodeCalled('b', { state: 'joining' }), TTL_MS, '');
  t.equal(await seen(), both);
  await b.beat(nodeCalled('b'), TTL_MS, '');
  t.same(names(await seen()), ['a ready', 'b ready']);
  await b.leave('b', 'another');
  t.same(names(await seen()), ['a ready', 'b ready'], 'an entry of another incarnation stays');
  await b.leave('b', 'b-1');
  t.same(names(await seen()), ['a ready']);
});

t.test('an entry without a heartbeat ends, and no sooner than it was to live', async (t) => {
  const redis = await startRedis(t);
  const registry = registryAt(t, redis);
  await registry.beat(nodeCalled('brief'), 1, '');
  await registry.beat(nodeCalled('long'), TTL_MS, '');
  await delay(2);
  t.same(names((await registry.beat(nodeCalled('a'), TTL_MS, '')).nodes), ['a ready', 'long ready']);
  t.same((await adminOf(t, redis).hkeys(KEY)).sort(), ['', 'a', 'long']);
});

t.test('a name that is taken is left alone until its entry ends', async (t) => {
  const redis = await startRedis(t);
  const registry = registryAt(t, redis);
  const elder = nodeCalled('a', { incarnation: 'elder' });
  const younger = nodeCalled('a', { incarnation: 'younger' });
  await registry.beat(elder, TTL_MS, '');
  const { nodes, conflict } = await registry.beat(younger, TTL_MS, 'another');
  t.same(nodes, [elder]);
  t.same(conflict, { holder: elder, renewals: 1 });
  await registry.beat(elder, 1, '');
  await delay(2);
  t.same(await registry.beat(younger, TTL_MS, ''), { nodes: [younger], conflict: undefined });
  t.equal((await registry.beat(elder, TTL_MS, '')).conflict?.renewals, 1);
});

t.test('the renewals of a holder grow with its heartbeats', async (t) => {
  const redis = await startRedis(t);
  const registry = registryAt(t, redis);
  for (let beat = 1; beat <= 12; beat++) {
    await registry.beat(nodeCalled('a', { incarnation: 'elder' }), TTL_MS, '');
    const { conflict } = await registry.beat(nodeCalled('a', { incarnation: 'younger' }), TTL_MS, '');
    t.equal(conflict?.renewals, beat);
  }
});

t.test('the name of a process that is proven dead is taken at once, and that of no other', async (t) => {
  const redis = await startRedis(t);
  const registry = registryAt(t, redis);
  await registry.beat(nodeCalled('a', { incarnation: 'dead' }), TTL_MS, '');
  await registry.beat(nodeCalled('b', { incarnation: 'dead' }), TTL_MS, '');
  const successor = nodeCalled('a', { incarnation: 'next' });
  const { nodes, conflict } = await registry.beat(successor, TTL_MS, 'dead');
  t.equal(conflict, undefined);
  t.same(nodes, [successor, nodeCalled('b', { incarnation: 'dead' })]);
});

t.test('a registry that was lost is filled by the next heartbeats', async (t) => {
  const redis = await startRedis(t);
  const [a, b] = [registryAt(t, redis), registryAt(t, redis)];
  await a.beat(nodeCalled('a'), TTL_MS, '');
  await b.beat(nodeCalled('b'), TTL_MS, '');
  await a.beat(nodeCalled('a'), TTL_MS, '');
  await adminOf(t, redis).flushall();
  t.same(names((await a.beat(nodeCalled('a'), TTL_MS, '')).nodes), ['a ready']);
  t.same(names((await b.beat(nodeCalled('b'), TTL_MS, '')).nodes), ['a ready', 'b ready']);
  t.same(names((await a.beat(nodeCalled('a'), TTL_MS, '')).nodes), ['a ready', 'b ready']);
});

t.test('an entry that cannot be read here is left to the nodes that can', async (t) => {
  const redis = await startRedis(t);
  const registry = registryAt(t, redis);
  await adminOf(t, redis).hset(KEY, 'later', '{"of":"a later version"}');
  t.same(names((await registry.beat(nodeCalled('a'), TTL_MS, '')).nodes), ['a ready']);
  t.equal(await adminOf(t, redis).hget(KEY, 'later'), '{"of":"a later version"}');
});

t.test('a right that the user of Redis lacks is named', async (t) => {
  const redis = await startRedis(t);
  const admin = adminOf(t, redis);
  await admin.acl('SETUSER', 'default', '-time');
  await t.rejects(registryAt(t, redis).beat(nodeCalled('a'), TTL_MS, ''), {
    code: 'store-denied',
    message: new RegExp(`TIME.*${KEY.replace(/[{}]/g, '\\$&')}`),
  });
});
