/** Several nodes on one Redis: what clients see while nodes join, leave, die and stand still, and what is refused. */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { shardOf } from '../../src/store/shard-of.js';
import { ACTORS, ready } from '../support/actor-server.js';
import { runCli } from '../support/cli-process.js';
import { CounterLoad } from '../support/counter-load.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { type ServerEnv, spawnWarren, startWarren, type WarrenProcess } from '../support/warren-process.js';

const SHARDS = 8;
/** In every shard there are some. */
const KEYS = Array.from({ length: 40 }, (_, at) => `k${at}`);

function envOf(redis: RedisProcess, name: string, env: ServerEnv = {}): ServerEnv {
  return {
    REDIS_URL: redis.url,
    SHARDS: `${SHARDS}`,
    INSTANCE_ID: name,
    NODE_HOST_PORT: '',
    ACTORS: `${ACTORS},fibonacci`,
    ...env,
  };
}

async function node(t: Test, redis: RedisProcess, name: string, env: ServerEnv = {}): Promise<WarrenProcess> {
  const warren = await startWarren(t, { env: envOf(redis, name, env) });
  await ready(warren);
  return warren;
}

async function nodes(t: Test, redis: RedisProcess, ...names: string[]): Promise<WarrenProcess[]> {
  const started = await Promise.all(names.map((name) => node(t, redis, name)));
  await Promise.all(started.map(owns));
  return started;
}

/** Resolves when the node has a shard. */
async function owns(node: WarrenProcess): Promise<void> {
  await node.waitForLog(({ msg }) => msg === 'serving');
}

/** Until it is answered with 200: what was not consumed, or has no lasting effect, may be asked again. */
async function read({ url }: WarrenProcess, path: string): Promise<string> {
  for (;;) {
    const { status, body } = await get(url, path);
    if (status === 200) return body;
    if (status !== 503 && status !== 504) throw new Error(`${path} is answered ${status} ${body}`);
    await pause();
  }
}

/** Takes effect once. */
async function add({ url }: WarrenProcess, key: string, idempotency: string): Promise<string> {
  for (;;) {
    const headers = { 'idempotency-key': idempotency };
    const { status, body } = await get(url, `/counter/${key}/add`, { method: 'POST', headers });
    if (status === 200) return body;
    if (status !== 503 && status !== 504) throw new Error(`${key} is answered ${status} ${body}`);
    await pause();
  }
}

t.test('every node answers for every actor, and all of them hand out one sequence', async (t) => {
  const redis = await startRedis(t);
  const three = await nodes(t, redis, 'one', 'two', 'three');
  const indexes: string[] = [];
  for (let at = 0; at < 30; at++) {
    const { headers } = await get((three[at % 3] as WarrenProcess).url, '/next');
    indexes.push(String(headers['sequence-index']));
  }
  t.strictSame(
    indexes,
    indexes.map((_, at) => `${at + 1}`),
  );
  for (const [at, each] of three.entries()) {
    const values = await Promise.all(KEYS.map((key) => add(each, key, `from-${at}`)));
    t.strictSame(values, Array(KEYS.length).fill(`${at + 1}`));
  }
  const again = await Promise.all(KEYS.map((key) => add(three[2] as WarrenProcess, key, 'from-0')));
  t.strictSame(again, Array(KEYS.length).fill('1'), 'a repetition at another node gets the first answer');
});

t.test('no request fails while a node joins, nor while it leaves', async (t) => {
  const redis = await startRedis(t);
  const one = await node(t, redis, 'one');
  const load = new CounterLoad({ url: one.url, clients: 8, keys: KEYS.length });
  await load.more(100);
  const [two] = await nodes(t, redis, 'two');
  await load.more(300);
  t.equal(await two?.stop(), 0);
  await load.more(300);
  await load.end();
  t.strictSame([...load.others], []);
  await load.judge();
});

t.test(
  'the actors of a killed node are answered by the others, with all that was acknowledged',
  async (t) => {
    const redis = await startRedis(t);
    const [one, two] = (await nodes(t, redis, 'one', 'two')) as [WarrenProcess, WarrenProcess];
    for (const key of KEYS) await add(two, key, 'first');
    const { headers } = await get(two.url, '/next');
    two.kill();
    const values = await Promise.all(KEYS.map((key) => read(one, `/counter/${key}/get`)));
    t.strictSame(values, Array(KEYS.length).fill('1'));
    t.equal(await read(one, '/current'), '{"current": 1}');
    t.equal(headers['sequence-index'], '1');
    await ready(await two.again());
    t.strictSame(await Promise.all(KEYS.map((key) => add(one, key, 'first'))), values, 'once');
  },
);

t.test(
  'a node that stops ends each connection with an answer, also with one that another node gave',
  async (t) => {
    const redis = await startRedis(t);
    const [one, two] = (await nodes(t, redis, 'one', 'two')) as [WarrenProcess, WarrenProcess];
    const statuses = new Map<number, number>();
    /** Asks over one connection until no new one can be opened. */
    const ask = async (key: string) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        const answer = await get(one.url, `/counter/${key}/get`, { agent }).catch((error) => error);
        if (answer.code === 'ECONNREFUSED') break;
        if (answer instanceof Error) throw answer;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      }
      agent.destroy();
    };
    const asking = KEYS.slice(0, 8).map(ask);
    await read(one, '/counter/k0/get');
    const [code] = await Promise.all([one.stop(), ...asking]);
    t.equal(code, 0);
    t.strictSame([...statuses.keys()], [200]);
    t.equal(await two.stop(), 0);
  },
);

t.test('no client notices the death of an owner thread, also of a node among others', async (t) => {
  const redis = await startRedis(t);
  const faulty = { FAULTS: 'on', STORE_GRACE_MS: '20000', ASK_TIMEOUT_MS: '60000' };
  const one = await node(t, redis, 'one', faulty);
  const two = await node(t, redis, 'two', faulty);
  await owns(two);
  const load = new CounterLoad({ url: one.url, clients: 8, keys: KEYS.length });
  for (const [deaths, victim] of [one, two, one, two].entries()) {
    await load.more(100);
    const owned = victim.logs.filter(({ msg }) => msg === 'serving').length;
    victim.kill('SIGUSR2');
    while (victim.logs.filter(({ msg }) => msg === 'serving').length === owned) await delay(10);
    t.ok(victim.running, `death ${deaths + 1}`);
  }
  await load.more(100);
  await load.end();
  t.strictSame([...load.others], []);
  await load.judge();
});

t.test('a node that stood still for longer than its lease shows nothing that is over', async (t) => {
  const redis = await startRedis(t);
  const [one, two] = (await nodes(t, redis, 'one', 'two')) as [WarrenProcess, WarrenProcess];
  for (const key of KEYS) await add(two, key, 'first');
  two.kill('SIGSTOP');
  t.strictSame(
    await Promise.all(KEYS.map((key) => add(one, key, 'second'))),
    Array(KEYS.length).fill('2'),
    'the other node counts meanwhile',
  );
  // They lie in its sockets when it goes on.
  const asked = KEYS.map((key) => get(two.url, `/counter/${key}/get`));
  await delay(50);
  two.kill('SIGCONT');
  for (const { status, body } of await Promise.all(asked)) {
    if (status === 200) t.equal(body, '2');
    else t.ok(status === 503 || status === 504, `${status} ${body}`);
  }
  t.strictSame(
    await Promise.all(KEYS.map((key) => read(two, `/counter/${key}/get`))),
    Array(KEYS.length).fill('2'),
  );
});

t.test('the second of two processes with one INSTANCE_ID ends, and says why', async (t) => {
  const redis = await startRedis(t);
  const first = await node(t, redis, 'one');
  const second = await spawnWarren(t, { env: envOf(redis, 'one') });
  t.strictSame(await second.exited, { code: 1, signal: null });
  t.match(second.logs.at(-1), { level: 60, code: 'instance-taken', msg: /INSTANCE_ID must differ/ });
  t.equal(await add(first, 'a', 'first'), '1', 'the first one goes on');
});

t.test('a node with another number of shards ends, and says which one is right', async (t) => {
  const redis = await startRedis(t);
  const first = await node(t, redis, 'one');
  const second = await spawnWarren(t, { env: envOf(redis, 'two', { SHARDS: '4' }) });
  t.strictSame(await second.exited, { code: 1, signal: null });
  t.match(second.logs.at(-1), { level: 60, code: 'shards-differ', msg: /Set SHARDS=8/ });
  t.equal(await add(first, 'a', 'first'), '1', 'the first one goes on');
});

t.test(
  'a shard that is missing is a loss, which takes its own actors alone until it is accepted',
  async (t) => {
    const redis = await startRedis(t);
    const before = await node(t, redis, 'one');
    for (const key of KEYS) await add(before, key, 'first');
    t.equal(await before.stop(), 0);
    const lost = 5;
    for (const key of (await redisCommand(redis, 'KEYS', `warren:{${lost}}:*`)) as string[]) {
      await redisCommand(redis, 'DEL', key);
    }
    const after = await startWarren(t, { env: envOf(redis, 'one') });
    const isLost = (key: string) => shardOf(`counter/${key}`, SHARDS) === lost;
    for (const key of KEYS.filter((key) => !isLost(key))) {
      t.equal(await read(after, `/counter/${key}/get`), '1');
    }
    await after.waitForLog(({ msg }) => String(msg).includes('halted'));
    const gone = KEYS.find(isLost) as string;
    t.match(await get(after.url, `/counter/${gone}/get`), { status: 503 });
    t.equal((await get(after.url, '/ready')).status, 503);
    const env = { REDIS_URL: redis.url, SHARDS: `${SHARDS}` };
    const accepted = await runCli(t, ['accept-loss', '--yes'], env);
    t.equal(accepted.code, 0, accepted.output);
    t.equal(await read(after, `/counter/${gone}/get`), '0', 'it begins anew');
    await ready(after);
  },
);

t.test('a node of an older actor is given no shard that holds newer states, and forwards', async (t) => {
  const redis = await startRedis(t);
  const actorOf = (version: number) =>
    `export default { name: 'counter', version: ${version}, initial: 0, ${version > 1 ? 'migrate: { 1: (n) => n },' : ''}
      commands: { add: (n) => ({ state: n + 1, reply: n + 1 }) }, queries: { get: (n) => n } };`;
  const folder = t.testdir({ 'old.mjs': actorOf(1), 'new.mjs': actorOf(2) });
  const newer = await node(t, redis, 'newer', { ACTORS: `${folder}/new.mjs` });
  for (const key of KEYS) await add(newer, key, 'first');
  const older = await node(t, redis, 'older', { ACTORS: `${folder}/old.mjs` });
  await newer.waitForLog(({ nodes }) => JSON.stringify(nodes ?? '').includes('older'));
  for (const key of KEYS) t.equal(await add(older, key, 'second'), '2');
  t.notOk(
    older.logs.some(({ msg }) => msg === 'serving'),
    'it owns nothing',
  );
  t.equal(await newer.stop(), 0);
});

t.test('the listener of nodes answers whoever has its token, and nobody else', async (t) => {
  const redis = await startRedis(t);
  const token = 'a-secret-of-the-nodes';
  const two = [
    await node(t, redis, 'one', { NODE_TOKEN: token }),
    await node(t, redis, 'two', { NODE_TOKEN: token }),
  ] as const;
  await Promise.all(two.map(owns));
  for (const each of two) {
    const address = `http://${each.logs.find(({ msg }) => msg === 'listening')?.['node']}`;
    t.equal((await get(address, '/counter/a/get')).status, 401);
    const authorization = `Bearer ${token}`;
    const { status } = await get(address, '/counter/a/get', { headers: { authorization } });
    t.ok(status === 200 || status === 421, `${status}`);
  }
  for (const key of KEYS) t.equal(await add(two[0], key, 'first'), '1');
});
