/**
 * A Redis that comes back with less than it had confirmed, and processes that share a name or no longer hear from it: what was
 * acknowledged is handed out once, as long as a process that knows it lives. `OUTAGES` sets how often Redis is killed.
 */
import t, { type Test } from 'tap';
import { get } from '../support/http-client.js';
import { redisCommand } from '../support/redis-command.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import type { WarrenProcess } from '../support/warren-process.js';
import { next, ownerOf, serving, standingBy, startInstance } from './instances.js';

const OUTAGES = Number(process.env['OUTAGES'] ?? 3);
const LEASE_MS = 1_000;
/** Whose threads take their time on a busy machine. */
const PATIENT = { WATCHDOG_MS: '60000', ASK_TIMEOUT_MS: '60000', SHED_AFTER_MS: '60000' };
/** The owner tells that Redis is away after this time: by then every lease has lapsed. */
const LAPSED = { STORE_GRACE_MS: String(1.6 * LEASE_MS), ...PATIENT };
const PATIENCE_MS = 60_000;

async function numbers(warren: WarrenProcess, count: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) {
    const { status, headers } = await next(warren);
    if (status === 200) taken.push(Number(headers['sequence-index']));
  }
  return taken;
}

function awayLines(warren: WarrenProcess): number {
  return warren.logs.filter(({ msg }) => msg === 'the store is away').length;
}

/** Killed, and back with its last snapshot once the owner has told that it is away. */
async function outage(redis: RedisProcess, owner: WarrenProcess): Promise<void> {
  const told = awayLines(owner);
  await redis.kill();
  await owner.waitForLog(() => awayLines(owner) > told, PATIENCE_MS);
  await redis.restart();
}

for (const left of ['an older record', 'nothing but the value of the Go service'] as const) {
  t.test(
    `no number is handed out twice when Redis comes back with ${left} after every lease has lapsed`,
    { timeout: OUTAGES * 120_000 },
    async (t) => {
      const redis = await startRedis(t);
      if (left !== 'an older record') await redisCommand(redis, 'SET', 'fibonacci_current', '55');
      const instances = [
        await startInstance(t, 'a', redis.url, LAPSED),
        await startInstance(t, 'b', redis.url, LAPSED),
      ];
      if (left !== 'an older record') await redisCommand(redis, 'SAVE');
      const all: number[] = [];
      for (let times = 0; times < OUTAGES; times++) {
        const owner = await ownerOf(() => instances, PATIENCE_MS);
        if (left === 'an older record') {
          all.push(...(await numbers(owner, 1)));
          await redisCommand(redis, 'SAVE');
        }
        all.push(...(await numbers(owner, 5)));
        await outage(redis, owner);
        const after = await ownerOf(() => instances, PATIENCE_MS);
        all.push(...(await numbers(after, 1)));
      }
      t.strictSame(all, [...new Set(all)], 'each once');
      t.strictSame(
        all,
        all.toSorted((a, b) => a - b),
        'and in order',
      );
    },
  );
}

t.test(
  'two processes with one INSTANCE_ID: one serves, the other never answers, both are told',
  async (t) => {
    const redis = await startRedis(t);
    const a = await startInstance(t, 'twin', redis.url, PATIENT);
    await serving(a);
    const b = await startInstance(t, 'twin', redis.url, PATIENT);
    t.match(await standingBy(b), /its INSTANCE_ID is ours, "twin"/);
    t.match(await next(a), { status: 200 });
    t.match(await get(b.url, '/current'), { status: 503, body: /"code":"standby"/ });

    a.kill('SIGSTOP');
    await serving(b);
    const [last] = (await numbers(b, 3)).slice(-1);
    const late = Array.from({ length: 10 }, () => get(a.url, '/current'));
    a.kill('SIGCONT');
    for (const { status } of await Promise.all(late)) t.equal(status, 503, 'nothing old is shown');
    t.match(await standingBy(a), /its INSTANCE_ID is ours, "twin"/);
    t.match(await get(b.url, '/current'), { headers: { 'sequence-index': String(last) } });
  },
);

t.test(
  'async: a master that lives on as a replica ends the answers within the lease, and no number is lost',
  async (t) => {
    const redis = await startRedis(t);
    const warren = await startInstance(t, 'a', redis.url, {
      DURABILITY: 'async',
      STORE_GRACE_MS: '100',
      ...PATIENT,
    });
    await serving(warren);
    const before = await numbers(warren, 5);
    await redisCommand(redis, 'REPLICAOF', '127.0.0.1', '1');
    const during = await untilRefused(t, warren);
    await redisCommand(redis, 'REPLICAOF', 'NO', 'ONE');
    const all = [...before, ...during, ...(await numbers(warren, 1))];
    t.strictSame(
      all,
      all.map((_, n) => n + 1),
    );
  },
);

/** The numbers that were handed out until the first 503. */
async function untilRefused(t: Test, warren: WarrenProcess): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const { status, headers, body } = await next(warren);
    if (status !== 200) {
      t.match(body, /"code":"store-unavailable"/);
      return taken;
    }
    taken.push(Number(headers['sequence-index']));
  }
}
