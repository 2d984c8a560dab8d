/** The owner thread killed every 200 ms under load: no client notices, and the history has no repeat and no gap. */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { underLoad } from '../faults/under-load.js';
import type { Operation } from '../support/history.js';
import { monotonicMs } from '../support/history.js';
import { startRedis } from '../support/redis-process.js';
import { type ServerEnv, startWarren } from '../support/warren-process.js';

const CLIENTS = 60;
const KILL_EVERY_MS = 200;
const MEDIAN_RECOVERY_MS = 150;
/** Of the kills that are tried; a signal to an owner that has not started yet is none. */
const MIN_DEATHS = 0.8;

/** From each kill to the end of the next answer whose request was sent after it. */
function recoveries(kills: readonly number[], operations: readonly Operation[]): number[] {
  const starts = operations.toSorted((a, b) => a.end - b.end);
  return kills.flatMap((kill) => {
    const answer = starts.find(({ start, outcome }) => start >= kill && outcome === 'ok');
    return answer ? [answer.end - kill] : [];
  });
}

/** Patient, so that the promise is all that is tested, however busy the machine is. */
const PATIENCE: ServerEnv = { ASK_TIMEOUT_MS: '20000', SHED_AFTER_MS: '20000' };

interface Pace {
  readonly everyMs: number;
  readonly killingMs: number;
}

interface Killing {
  readonly deathsPerKill: number;
  readonly medianMs: number;
}

async function killUnderLoad(t: Test, env: ServerEnv, { everyMs, killingMs }: Pace): Promise<Killing> {
  const warren = await startWarren(t, { env: { FAULTS: 'on', ...env } });
  const kills: number[] = [];
  const { history, stats } = await underLoad(
    t,
    warren,
    { clients: CLIENTS, timeoutMs: 30_000, pauseMs: 0 },
    async () => {
      const until = monotonicMs() + killingMs;
      while (monotonicMs() < until) {
        kills.push(monotonicMs());
        warren.kill('SIGUSR2');
        await delay(everyMs);
      }
    },
  );
  const failed = [...history.answers].filter(([answer]) => answer !== '200');
  t.strictSame(failed, [], `no failed request among ${history.operations.length}`);
  t.equal(stats.gaps, 0, 'no gap');
  t.equal(await warren.stop(), 0, 'a clean stop after all');
  const deaths = warren.logs.filter(({ reason }) => reason === 'SIGUSR2').length;
  const times = recoveries(kills, history.operations).toSorted((a, b) => a - b);
  const medianMs = times[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY;
  const last = times.at(-1) ?? 0;
  t.comment(
    `${deaths} deaths; from a kill to the next answer: median ${medianMs.toFixed(0)} ms, longest ${last.toFixed(0)} ms`,
  );
  return { deathsPerKill: deaths / kills.length, medianMs };
}

/**
 * What is promised for every request must hold in each run. How fast an owner is replaced may be the machine's fault once: one
 * that starts a process slowly cannot have a spare five times a second, above all with the Redis client in it, so the second
 * run kills at its pace.
 */
async function killedUnderLoad(t: Test, env: ServerEnv, killingMs = 10_000): Promise<void> {
  let killing = await killUnderLoad(t, env, { everyMs: KILL_EVERY_MS, killingMs });
  if (killing.deathsPerKill < MIN_DEATHS || killing.medianMs >= MEDIAN_RECOVERY_MS) {
    const everyMs = KILL_EVERY_MS * (await slowness(t));
    t.comment(`once more, with a kill every ${everyMs.toFixed(0)} ms`);
    killing = await killUnderLoad(t, env, { everyMs, killingMs });
  }
  const { deathsPerKill, medianMs } = killing;
  t.ok(deathsPerKill >= MIN_DEATHS, `${(100 * deathsPerKill).toFixed(0)} % of the kills were deaths`);
  t.ok(medianMs < MEDIAN_RECOVERY_MS, `${medianMs.toFixed(0)} ms at the median`);
}

/** How much longer than 200 ms a process takes until it answers, as a factor; 1 at the least. */
async function slowness(t: Test): Promise<number> {
  const since = monotonicMs();
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  await warren.waitForLog(({ msg }) => msg === 'ready');
  const startMs = monotonicMs() - since;
  await warren.stop();
  return Math.max(1, startMs / 200);
}

t.test('on LMDB nobody notices the death of the owner, with all limits as they come', (t) =>
  killedUnderLoad(t, { STORE: 'lmdb' }),
);

t.test('on Redis nobody notices the death of the owner', async (t) => {
  const redis = await startRedis(t);
  await killedUnderLoad(t, { REDIS_HOST_PORT: redis.hostPort, ...PATIENCE });
});

t.test('in memory nobody notices the death of the owner', (t) =>
  killedUnderLoad(t, { STORE: 'memory', ...PATIENCE }, 4_000),
);

t.test('in memory without a gate nobody notices the death of the owner', (t) =>
  killedUnderLoad(t, { STORE: 'memory', DURABILITY: 'async', ...PATIENCE }, 4_000),
);

t.test('more deaths than RESTART_LIMIT end the process, with a word', async (t) => {
  const warren = await startWarren(t, {
    env: { FAULTS: 'on', RESTART_LIMIT: '3', RESTART_WINDOW_MS: '600000' },
  });
  for (let death = 1; death <= 4; death++) {
    await warren.waitForLog(
      (line) => warren.logs.filter(({ msg }) => msg === 'serving').length >= death && line.msg === 'serving',
    );
    t.ok(warren.running, `${death - 1} deaths are tolerated`);
    warren.kill('SIGUSR2');
    await warren.waitForLog(() => warren.logs.filter(({ reason }) => reason === 'SIGUSR2').length >= death);
  }
  t.strictSame(await warren.exited, { code: 1, signal: null });
  t.match(warren.logs.at(-1), {
    level: 60,
    code: 'owner-failing',
    msg: /more than 3 deaths within 600000 ms; last: SIGUSR2/,
  });
});
