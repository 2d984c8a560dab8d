/**
 * Two instances on one Redis under random kills and pauses of both, with clients that go to the other one when they are
 * sent away: for each counter one history over both, at most one owner per epoch, and no more changes of the owner than there were reasons.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { drivenBy, finalIndexes, judge, type Name } from '../chaos/driven.js';
import { type Operation, recordHistory } from '../support/history.js';
import { startRedis } from '../support/redis-process.js';
import { SeededRandom } from '../support/seeded-random.js';
import type { WarrenProcess } from '../support/warren-process.js';
import { epochsOf, ownerOf, startInstance } from './instances.js';

const SEED = Number(process.env['SEED'] ?? 1);
const TROUBLE_MS = 12_000;
/** Long enough that a busy machine does not lose it without a reason. */
const LEASE_MS = 1_500;
const CALM_MS = 2 * LEASE_MS;
const BOUNDS = { LEASE_MS: String(LEASE_MS), COMMIT_TIMEOUT_MS: '300', STORE_GRACE_MS: '300' };

for (const name of ['sequence', 'counter'] as const) {
  t.test(`two instances under kills and pauses are one ${name}, seed ${SEED}`, (t) => oneOf(t, name));
}

async function oneOf(t: Test, name: Name): Promise<void> {
  const driven = drivenBy(name);
  const redis = await startRedis(t);
  const env = { ...BOUNDS, ...driven.env };
  const now = [
    await startInstance(t, 'a', redis.url, env),
    await startInstance(t, 'b', redis.url, env),
  ] as const satisfies WarrenProcess[];
  const current: WarrenProcess[] = [...now];
  const all: WarrenProcess[] = [...now];
  await ownerOf(() => current, 60_000);

  const ending = new AbortController();
  const recording = recordHistory({
    url: hopping(current, new SeededRandom(SEED)),
    subject: driven.subject,
    clients: 16,
    seed: SEED,
    pauseMs: 8,
    timeoutMs: 5_000,
    signal: ending.signal,
  });
  const reasons = await makeTrouble(current, all, new SeededRandom(SEED + 1));
  await ownerOf(() => current, 60_000);
  // Whatever was under way has settled after a lease; from then on nothing may change.
  await delay(CALM_MS);
  const settled = highestEpoch(all);
  await delay(CALM_MS);
  t.equal(highestEpoch(all), settled, 'without a reason the owner stays');
  ending.abort();
  const { operations, complaints } = await recording;

  t.strictSame(complaints, []);
  const owner = await ownerOf(() => current, 60_000);
  const verdict = judge(operations, await finalIndexes(owner.url, driven, 60_000));
  t.ok(verdict.ok, JSON.stringify(verdict));
  t.ok(operations.filter(({ outcome }) => outcome === 'ok').length > 0, 'there were answers');
  const epochs = all.flatMap(epochsOf);
  t.strictSame(epochs.toSorted(), [...new Set(epochs)].toSorted(), 'no epoch had two owners');
  // Each reason ends one epoch; an instance that was suspended or slow may begin one more that is cut short.
  t.ok(highestEpoch(all) <= 2 + 2 * reasons.length, `${highestEpoch(all)} epochs, ${reasons.join(', ')}`);
  t.comment(`${operations.length} operations, ${highestEpoch(all)} epochs, ${reasons.length} faults`);
}

/** A client stays where it was served, and has a look at the other one now and then. */
function hopping(current: readonly WarrenProcess[], random: SeededRandom) {
  const at: number[] = [];
  return (client: number, last: Operation | undefined): string => {
    const sentAway = last !== undefined && last.outcome !== 'ok';
    if (sentAway || random.next() < 0.03) at[client] = 1 - (at[client] ?? 0);
    return (current[at[client] ?? 0] as WarrenProcess).url;
  };
}

async function makeTrouble(
  current: WarrenProcess[],
  all: WarrenProcess[],
  random: SeededRandom,
): Promise<string[]> {
  const reasons: string[] = [];
  const until = performance.now() + TROUBLE_MS;
  while (performance.now() < until) {
    await delay(random.between(100, 900));
    const owner = current.findIndex((one) => epochsOf(one).includes(highestEpoch(all)));
    const victim = owner >= 0 && random.next() < 0.6 ? owner : random.between(0, 1);
    const warren = current[victim] as WarrenProcess;
    const fault = random.weighted({ pause: 3, kill: 2, 'owner-kill': 2, 'pause-both': 1, stop: 1 });
    reasons.push(`${fault} ${'ab'[victim]}`);
    if (fault === 'owner-kill') warren.kill('SIGUSR2');
    else if (fault === 'pause' || fault === 'pause-both') {
      const paused = fault === 'pause' ? [warren] : [...current];
      for (const one of paused) one.kill('SIGSTOP');
      await delay(random.between(50, 2 * LEASE_MS));
      for (const one of paused) one.kill('SIGCONT');
    } else {
      if (fault === 'stop') await warren.stop();
      else warren.kill();
      await warren.exited;
      await delay(random.between(0, LEASE_MS));
      current[victim] = await warren.again();
      all.push(current[victim]);
    }
  }
  return reasons;
}

function highestEpoch(all: readonly WarrenProcess[]): number {
  return Math.max(...all.flatMap(epochsOf));
}
