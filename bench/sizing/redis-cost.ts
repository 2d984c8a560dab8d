/**
 * What a command of Warren costs a Redis, and what it holds for an actor: the figures of docs/operations/sizing.md. A Redis of its own, with
 * an append-only file that is synced before each answer; the scripts are those of the store.
 *
 *   node dist/bench/sizing/redis-cost.js [SECONDS]
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { writeStored } from '../../src/runtime/owner/stored-text.js';
import type { ActorStore, Change } from '../../src/store/contract.js';
import type { NodeEntry } from '../../src/store/node-entry.js';
import { holdsUnder } from '../../src/store/node-entry.js';
import { openStore } from '../../src/store/open-actor-store.js';
import type { ShardFence } from '../../src/store/shard-fence.js';
import { type RedisProcess, startRedis } from '../../test/support/redis-process.js';

const SHARDS = 64;
const STATES = 100_000;
const SECONDS = Number(process.argv[2] ?? 3);
/** Of /proc, per second. */
const TICKS = 100;

const ends: (() => unknown)[] = [];
const scope = { teardown: (end: () => unknown) => void ends.push(end) };
async function costs(): Promise<void> {
  const redis = await startRedis(scope, { appendOnly: true, fsync: 'always' });
  const store = await openStore({ kind: 'redis', url: redis.url, prefix: 'warren' }, { timeoutMs: 10_000 });
  const shards = await Promise.all(
    Array.from({ length: SHARDS }, (_, at) => Writer.begin(store.shard(at), at)),
  );
  for (const [name, states] of [
    ['renewal of a lease', 0],
    ['commit of 1 state', 1],
    ['commit of 20 states', 20],
  ] as const) {
    await measured(
      redis,
      name,
      shards.map((shard) => () => shard.commit(states)),
    );
  }
  await measured(
    redis,
    'load of 1 state',
    shards.map((shard) => () => shard.load()),
  );
  for (const count of [3, 10, 100]) {
    const nodes = Array.from({ length: count }, (_, at) => entryOf(at));
    const admin = new Redis(redis.url);
    await admin.del('warren:{nodes}:members');
    admin.disconnect();
    const beats = nodes.map(
      (node) => () => store.registry?.beat(node, 600_000, '') ?? Promise.reject(new Error()),
    );
    for (const beat of beats) await beat();
    await measured(redis, `heartbeat among ${count} nodes`, beats);
  }
  await store.close();
}

/** @param doings each is called again and again, beside the others. */
async function measured(
  redis: RedisProcess,
  name: string,
  doings: readonly (() => Promise<unknown>)[],
): Promise<void> {
  let count = 0;
  let running = true;
  const lines = doings.map(async (doing) => {
    for (; running; count++) await doing();
  });
  const admin = new Redis(redis.url);
  await delay(500);
  await admin.config('RESETSTAT');
  const [from, cpu] = [count, cpuOf(redis.pid)];
  await delay(SECONDS * 1000);
  const [done, used] = [count - from, cpuOf(redis.pid) - cpu];
  const [, script = '?'] =
    /cmdstat_evalsha:.*usec_per_call=([\d.]+)/.exec(await admin.info('commandstats')) ?? [];
  running = false;
  await Promise.all(lines);
  admin.disconnect();
  const each = ((used / done) * 1e6).toFixed(0);
  console.log(
    `${name}: ${each} µs of Redis, ${script} of them in the script; ${Math.round(done / SECONDS)} a second`,
  );
}

async function sizes(): Promise<void> {
  const redis = await startRedis(scope);
  const admin = new Redis(redis.url);
  scope.teardown(() => admin.disconnect());
  const usage = (key: string) => admin.memory('USAGE', key, 'SAMPLES', '0');
  for (const bytes of [10, 100, 1000]) {
    const body = JSON.stringify({ text: 'x'.repeat(bytes - '{"text":""}'.length + 1) }).slice(0, bytes);
    const stored = (at: number) => writeStored(1, `17.3.${1_000_000 + at}`, body);
    const key = `states-${bytes}`;
    for (let from = 0; from < STATES; from += 1000) {
      const pairs = Array.from({ length: 1000 }, (_, at) => [
        `counter/user-${1_000_000 + from + at}`,
        stored(from + at),
      ]);
      await admin.hset(key, ...pairs.flat());
    }
    const each = Number(await usage(key)) / STATES;
    console.log(`a state of ${bytes} bytes: text of ${stored(1).length}, ${each.toFixed(0)} bytes of Redis`);
    await admin.del(key);
  }
  const store = await openStore({ kind: 'redis', url: redis.url, prefix: 'warren' }, { timeoutMs: 10_000 });
  const shard = await Writer.begin(store.shard(0), 0);
  await shard.commit(0);
  console.log(`a fence: ${await usage('warren:{0}:fence')} bytes`);
  for (let at = 0; at < 10; at++) await store.registry?.beat(entryOf(at), 600_000, '');
  console.log(`the entries of 10 nodes: ${await usage('warren:{nodes}:members')} bytes`);
  await store.close();
}

/** The owner of one shard: each commit expects the fence of the one before. */
class Writer {
  readonly #store: ActorStore;
  #fence: ShardFence;
  #keys = 0;

  static async begin(store: ActorStore, shard: number): Promise<Writer> {
    const fence = fenceOf(shard);
    await store.commit(undefined, fence, []);
    const writer = new Writer(store, fence);
    await writer.commit(20);
    return writer;
  }

  private constructor(store: ActorStore, fence: ShardFence) {
    this.#store = store;
    this.#fence = fence;
  }

  async commit(states: number): Promise<void> {
    const before = this.#fence;
    const version = before.version + Math.min(states, 1);
    const next = {
      ...before,
      version,
      renewal: before.renewal + 1,
      clock: Date.now(),
      group: randomBytes(16).toString('hex'),
    };
    const changes: Change[] = Array.from({ length: states }, (_, at) => ({
      id: this.#id(at),
      text: writeStored(
        1,
        `${before.shard}.1.${version}`,
        JSON.stringify({ n: version, text: 'x'.repeat(80) }),
      ),
    }));
    this.#keys += states;
    const outcome = await this.#store.commit(before, next, changes);
    if (outcome !== 'swapped') throw new Error(`the commit was ${outcome}`);
    this.#fence = next;
  }

  load(): Promise<unknown> {
    return this.#store.load([this.#id(0)], 1_000_000);
  }

  #id(at: number): string {
    return `counter/user-${1_000_000 + ((this.#keys + at) % 1000)}`;
  }
}

function fenceOf(shard: number): ShardFence {
  return {
    store: randomBytes(16).toString('hex'),
    shard,
    shards: SHARDS,
    founded: 1,
    holds: holdsUnder({ actors: { counter: 1, tickets: 2, wallet: 1 } }, {}),
    epoch: 1,
    version: 0,
    group: randomBytes(16).toString('hex'),
    writer: randomBytes(16).toString('hex'),
    instance: 'warren-1',
    process: `${randomBytes(8).toString('hex')}.4711.123456789`,
    renewal: 0,
    lease: 3000,
    halted: '',
    clock: Date.now(),
    served: 1_000_000,
  };
}

function entryOf(at: number): NodeEntry {
  return {
    instance: `warren-${at}`,
    incarnation: randomBytes(16).toString('hex'),
    address: `10.0.0.${at}:7080`,
    process: `${randomBytes(8).toString('hex')}.4711.123456789`,
    version: '0.1.0',
    actors: { counter: 1, tickets: 2, wallet: 1 },
    state: 'ready',
  };
}

/** Processor time of a process, in seconds. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

try {
  await costs();
  await sizes();
} finally {
  for (const end of ends.reverse()) await end();
}
