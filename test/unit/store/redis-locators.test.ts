/** Which server a store goes to: the master that Sentinels name, and the nodes of a cluster. */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { ClusterNodes } from '../../../src/store/redis/cluster-nodes.js';
import { Connections } from '../../../src/store/redis/connections.js';
import { Redirection } from '../../../src/store/redis/redirection.js';
import { RedisActorStore } from '../../../src/store/redis/redis-actor-store.js';
import type { HostPort, RedisPlace } from '../../../src/store/redis/redis-place.js';
import { parseRedisUrl, type RedisAddress } from '../../../src/store/redis/redis-url.js';
import { freePort } from '../../support/free-port.js';
import { startCluster } from '../../support/redis-cluster.js';
import { startRedis } from '../../support/redis-process.js';
import { masterAnswer, startToldSentinel, type ToldSentinel } from '../../support/told-sentinel.js';
import { fenceOf } from './store-contract.js';
import { adminOf, settled } from './store-on-redis.js';

const FENCE_KEY = 'warren:{0}:fence';

function storeOf(t: Test, place: Omit<RedisPlace, 'url' | 'prefix'>, timeoutMs = 10_000): RedisActorStore {
  const connections = new Connections({ url: 'redis://any', prefix: 'warren', ...place }, timeoutMs);
  t.teardown(async () => connections.drop());
  return new RedisActorStore(connections, 'warren', timeoutMs);
}

function behind(sentinels: readonly Pick<ToldSentinel, 'port'>[]) {
  const nodes = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  return { sentinels: { nodes, master: 'mymaster', username: '', password: '' } };
}

t.test('of the Sentinels that answer, the one that has seen the latest fail-over is right', async (t) => {
  const [old, master] = [await startRedis(t), await startRedis(t)];
  const hung = await startToldSentinel(t);
  const cutOff = await startToldSentinel(t, masterAnswer(old.port, 3));
  const knowing = await startToldSentinel(t, masterAnswer(master.port, 4));
  const dead = { port: await freePort() };
  const store = storeOf(t, behind([dead, hung, knowing, cutOff]), 2_000);
  t.equal(await store.commit(undefined, fenceOf(1), []), 'swapped');
  t.equal(await adminOf(t, master).exists(FENCE_KEY), 1);
  t.equal(await adminOf(t, old).exists(FENCE_KEY), 0);
});

t.test('a master that still answers is left when the Sentinels name another', async (t) => {
  const [old, next] = [await startRedis(t), await startRedis(t)];
  const sentinel = await startToldSentinel(t, masterAnswer(old.port, 1));
  const store = storeOf(t, behind([sentinel]));
  await store.commit(undefined, fenceOf(1), []);
  const { connection } = store;
  sentinel.answer = masterAnswer(next.port, 2);
  while ((await store.fence()) !== undefined) await delay(5);
  t.not(store.connection, connection, 'and its user hears that the store may be an older one');
  t.equal(await adminOf(t, next).exists(FENCE_KEY), 0, 'the next one had nothing');
  t.equal(await store.commit(undefined, fenceOf(2), []), 'swapped');
  t.equal(await adminOf(t, next).exists(FENCE_KEY), 1);
});

t.test(
  'what was sent to a server that is left is still answered, and then its connection closed',
  async (t) => {
    const [old, next] = [await startRedis(t), await startRedis(t)];
    const sentinel = await startToldSentinel(t, masterAnswer(old.port, 1));
    const place = { url: 'redis://any', prefix: 'x', ...behind([sentinel]) };
    const connections = new Connections(place, 60_000);
    t.teardown(async () => connections.drop());
    const key = 'x:{0}:list';
    const request = { commands: 'BLPOP, GET', keys: [key] };
    const answer = connections.run(request, (client) => client.blpop(key, 0));
    const admin = adminOf(t, old);
    await settled(async () => (await admin.info('clients')).includes('blocked_clients:1'));
    sentinel.answer = masterAnswer(next.port, 2);
    const count = connections.countOf(key);
    while (connections.countOf(key) === count) {
      // Until it is sent to the next server it waits behind the other, as that does for its answer.
      connections.run(request, (client) => client.get('x:{0}:other')).catch(t.fail);
      await delay(50);
    }
    await admin.rpush(key, 'sent before');
    t.strictSame(await answer, [key, 'sent before']);
    await settled(async () => (await admin.info('clients')).includes('connected_clients:1'));
  },
);

t.test('while no Sentinel answers, the master that is known stays', async (t) => {
  const master = await startRedis(t);
  const sentinel = await startToldSentinel(t, masterAnswer(master.port, 1));
  const store = storeOf(t, behind([sentinel]));
  await store.commit(undefined, fenceOf(1), []);
  sentinel.answer = '-ERR No such master with that name\r\n';
  for (const before = sentinel.asked; sentinel.asked < before + 2; ) {
    t.strictSame(await store.fence(), fenceOf(1));
    await delay(5);
  }
});

t.test('what no Sentinel will ever answer is told with its cure', async (t) => {
  const unknown = await startToldSentinel(t, '-ERR No such master with that name\r\n');
  await t.rejects(storeOf(t, behind([unknown])).fence(), {
    code: 'store-denied',
    message: /no Sentinel names the master "mymaster": .*Set REDIS_SENTINEL_NAME/,
  });
  await t.rejects(storeOf(t, behind([await startRedis(t)])).fence(), {
    code: 'store-denied',
    message: /REDIS_SENTINELS names a server that is no Sentinel/,
  });
  await t.rejects(storeOf(t, behind([unknown, { port: await freePort() }])).fence(), {
    code: 'store-refused',
  });
});

t.test('any node of a cluster leads to the one that has the keys, whatever shard they are of', async (t) => {
  const nodes = await startCluster(t, 3);
  const named = { host: '127.0.0.1', port: nodes[1]?.port ?? 0 };
  const connections = new Connections({ url: 'redis://any', prefix: 'x', cluster: [named] }, 10_000);
  t.teardown(async () => connections.drop());
  for (let shard = 0; shard < 20; shard++) {
    const key = `x:{${shard}}:some`;
    const request = { commands: 'SET', keys: [key] };
    await connections.run(request, (client) => client.set(key, `${shard}`));
    t.equal(await connections.run(request, (client) => client.get(key)), `${shard}`);
  }
  const sizes = await Promise.all(nodes.map((node) => adminOf(t, node).dbsize()));
  t.ok(
    sizes.every((size) => size > 0),
    `${sizes}`,
  );
});

t.test('a server that is no node of a cluster is refused', async (t) => {
  const { port } = await startRedis(t);
  await t.rejects(storeOf(t, { cluster: [{ host: '127.0.0.1', port }] }).fence(), {
    code: 'store-denied',
    message: /READWRITE: .*name it in REDIS_URL instead/,
  });
});

t.test(
  'a node that fails is asked after all others, and one that was only heard of is forgotten',
  async (t) => {
    const [a, b] = [node('a', 1), node('b', 2)];
    const nodes = new ClusterNodes([a, b], login());
    t.match(nodes.locate('0'), a);
    nodes.follow('0', nodes.locate('0'), new Redirection('MOVED 1 c:3', ''));
    t.match(nodes.locate('0'), node('c', 3));
    t.match(nodes.locate('1'), a, 'of other tags it says nothing');
    t.equal(nodes.servers, 3);
    nodes.failed(nodes.locate('0'));
    t.equal(nodes.servers, 2);
    t.match(nodes.locate('0'), a);
    nodes.failed(nodes.locate('0'));
    t.match(nodes.locate('0'), b);
    t.match(nodes.locate('1'), b);
    nodes.failed(nodes.locate('0'));
    t.match(nodes.locate('0'), a);
  },
);

t.test('a node may leave out the host that it was asked by, and IPv6 has colons of its own', async (t) => {
  const nodes = new ClusterNodes([node('a', 1)], login());
  nodes.follow('0', nodes.locate('0'), new Redirection('MOVED 1 :2', ''));
  t.match(nodes.locate('0'), node('a', 2));
  nodes.follow('0', nodes.locate('0'), new Redirection('MOVED 1 ::1:3', ''));
  t.match(nodes.locate('0'), node('::1', 3));
});

function node(host: string, port: number): HostPort {
  return { host, port };
}

function login(): RedisAddress {
  return parseRedisUrl('redis://any') as RedisAddress;
}

t.test('what several shards send in one turn of the event loop leaves with one write', async (t) => {
  const { url } = await startRedis(t);
  const connections = new Connections({ url, prefix: 'x' }, 10_000);
  t.teardown(async () => connections.drop());
  const stream = await connections.run(
    { commands: '', keys: ['x:{0}:some'] },
    async (client) => client.stream,
  );
  let writes = 0;
  for (const name of ['_write', '_writev'] as const) {
    const write = Reflect.get(stream, name) as (...words: unknown[]) => void;
    Reflect.set(stream, name, (...words: unknown[]) => {
      writes += 1;
      Reflect.apply(write, stream, words);
    });
  }
  const answers = [0, 1, 2, 3].map((shard) => {
    const key = `x:{${shard}}:some`;
    return connections.run({ commands: 'SET', keys: [key] }, (client) => client.set(key, 'x'));
  });
  t.strictSame(await Promise.all(answers), ['OK', 'OK', 'OK', 'OK']);
  t.equal(writes, 1);
});
