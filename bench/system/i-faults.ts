/**
 * (i) How long a fault is felt, and what overload costs: from a death, a stop or an outage to the next answer, and the latency of
 * what is served and of what is refused at three times the capacity. That nothing is lost meanwhile is what the tests
 * show; here are only times, with the limits that Warren is shipped with.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { VARIABLES } from '../../src/config/variables.js';
import { openLoop } from '../../test/faults/open-loop.js';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { monotonicMs, recordHistory } from '../../test/support/history.js';
import { get } from '../../test/support/http-client.js';
import { currentIndex } from '../../test/support/sequence-probe.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../../test/support/warren-process.js';
import { summaryBar } from '../bars.js';
import type { Bar } from '../measurement.js';
import { milliseconds } from '../report/table.js';
import { type BenchContext, NO_REDIS, type Scenario } from '../scenario.js';
import { summarize } from '../statistics.js';
import { scoped, type Teardowns } from '../teardowns.js';

/** What a part has measured, in milliseconds. */
type Figures = Map<string, { readonly bound: number; readonly values: number[] }>;
type Part = (
  context: BenchContext,
  scope: Teardowns,
  found: (name: string, bound: number, ms: number) => void,
) => Promise<void>;

const LEASE_MS = 1_000;
const KILL_EVERY_MS = 200;
/** Enough for a spare to be begun and to load. */
const CALM_MS = 1_200;
const PARTS: readonly [what: string, seconds: number, part: Part][] = [
  ['the owner killed under load', 10, ownerKilled],
  ['the owner killed at rest', 8, ownerAtRest],
  ['kill -9 and a clean stop', 6, processEnds],
  ['a standby takes over', 5, standbyTakesOver],
  ['Redis stands still', 4, redisStandsStill],
  ['three times the capacity', 6, overloaded],
  ['a store that stands still under load', 8, overloadedStandstill],
];

export const faults: Scenario = {
  key: 'i',
  title: 'Faults and overload',

  plan({ quick }) {
    const rounds = quick ? 1 : 3;
    return {
      steps: rounds * PARTS.length,
      seconds: rounds * PARTS.reduce((sum, [, seconds]) => sum + seconds, 0),
    };
  },

  async run(context) {
    const figures: Figures = new Map();
    const found = (name: string, bound: number, ms: number) => {
      const { values } = figures.get(name) ?? { values: [] as number[] };
      values.push(ms);
      figures.set(name, { bound, values });
    };
    for (let round = 0; round < (context.quick ? 1 : 3); round++) {
      for (const [what, , part] of PARTS) {
        context.step(what);
        await scoped(context.scope, (scope) => part(context, scope, found));
      }
    }
    const summaries = [...figures].map(([name, { bound, values }]) => ({
      name,
      bound,
      ...summarize(values),
    }));
    return {
      key: 'i',
      title: this.title,
      tables: [
        {
          title: 'Time until the next answer, or of an answer',
          columns: ['after', 'median ms', 'range ms'],
          rows: summaries.map(({ name, median, min, max }) => [
            name,
            milliseconds(median),
            `${milliseconds(min)}–${milliseconds(max)}`,
          ]),
        },
      ],
      bars: summaries.map(
        ({ name, bound, ...summary }): Bar => summaryBar(name, 'at most', bound, summary, 'ms'),
      ),
      measurements: [],
      notes: figures.has('a standby takes over from a killed owner') ? [] : [NO_REDIS],
    };
  },
};

/** With the limits that are shipped, where a test would wait longer. */
async function started(scope: Teardowns, env: ServerEnv): Promise<WarrenProcess> {
  const limits = (['SHED_AFTER_MS', 'ASK_TIMEOUT_MS', 'WATCHDOG_MS', 'SHUTDOWN_TIMEOUT_MS'] as const).map(
    (name) => [name, VARIABLES[name].fallback],
  );
  const warren = await startWarren(scope, { env: { ...Object.fromEntries(limits), ...env } });
  await warren.waitForLog(({ msg }) => msg === 'serving');
  return warren;
}

/** From each kill to the end of the next answer whose request was sent after it. */
async function ownerKilled(_: BenchContext, scope: Teardowns, found: Parameters<Part>[2]): Promise<void> {
  for (const store of ['level', 'memory']) {
    const warren = await started(scope, { FAULTS: 'on', STORE: store });
    const over = new AbortController();
    const recording = recordHistory({ url: warren.url, clients: 60, seed: 1, signal: over.signal });
    await delay(CALM_MS);
    const kills: number[] = [];
    for (let kill = 0; kill < 15; kill++) {
      kills.push(monotonicMs());
      warren.kill('SIGUSR2');
      await delay(KILL_EVERY_MS);
    }
    await delay(CALM_MS);
    over.abort();
    const { operations, answers } = await recording;
    const good = operations.filter(({ outcome }) => outcome === 'ok').toSorted((a, b) => a.end - b.end);
    const waits = kills.map((kill) => (good.find(({ start }) => start >= kill)?.end ?? Number.NaN) - kill);
    const failed = answers.size > 1 ? Number.POSITIVE_INFINITY : 0;
    found(
      `the owner is killed every ${KILL_EVERY_MS} ms under load, ${store}`,
      150,
      summarize(waits).median + failed,
    );
    await warren.stop();
  }
}

/** By the log's own times. */
async function ownerAtRest(_: BenchContext, scope: Teardowns, found: Parameters<Part>[2]): Promise<void> {
  const warren = await started(scope, { FAULTS: 'on' });
  const served = () => warren.logs.filter(({ msg }) => msg === 'serving');
  const at = (line: { readonly [field: string]: unknown } | undefined) => Date.parse(`${line?.['time']}`);
  const startMs = at(served()[0]) - at(warren.logs.find(({ msg }) => msg === 'listening'));
  const recoveries: number[] = [];
  for (let death = 1; death <= 5; death++) {
    await delay(CALM_MS);
    warren.kill('SIGUSR2');
    await warren.waitForLog(() => served().length > death);
    recoveries.push(at(served().at(-1)) - at(warren.logs.findLast(({ reason }) => reason === 'SIGUSR2')));
  }
  found('the owner is killed while its spare waits', 50, summarize(recoveries).median);
  found('a process listens, until its first owner serves', 400, startMs);
}

async function processEnds(_: BenchContext, scope: Teardowns, found: Parameters<Part>[2]): Promise<void> {
  let warren = await started(scope, {});
  await get(warren.url, '/next');
  for (const [name, bound, end] of [
    ['a clean stop, until the next process answers', 1_500, () => warren.stop()],
    ['kill -9, until the next process answers', 1_500, () => warren.kill()],
  ] as const) {
    const since = performance.now();
    await end();
    await warren.exited;
    const endedMs = performance.now() - since;
    warren = await warren.again();
    await currentIndex(warren.url);
    if (name.startsWith('a clean')) found('SIGTERM, until an idle process has ended', 1_000, endedMs);
    found(name, bound, performance.now() - since);
  }
}

async function standbyTakesOver(
  context: BenchContext,
  scope: Teardowns,
  found: Parameters<Part>[2],
): Promise<void> {
  const redis = await context.startRedis();
  if (!redis) return;
  const names = { REDIS_URL: redis.url, LEASE_MS: `${LEASE_MS}` };
  const owner = await started(scope, { ...names, INSTANCE_ID: 'a' });
  const standby = await startWarren(scope, { env: { ...names, INSTANCE_ID: 'b' } });
  await standby.waitForLog(({ msg }) => msg === 'standing by');
  await get(owner.url, '/next');
  const since = performance.now();
  owner.kill();
  await standby.waitForLog(({ msg }) => msg === 'serving');
  found('a standby takes over from a killed owner', LEASE_MS + 1_000, performance.now() - since);
}

async function redisStandsStill(
  context: BenchContext,
  scope: Teardowns,
  found: Parameters<Part>[2],
): Promise<void> {
  const redis = await context.startRedis();
  if (!redis) return;
  const warren = await started(scope, { REDIS_URL: redis.url });
  await get(warren.url, '/next');
  redis.pause();
  for (const when of ['the first', 'a later']) {
    const since = performance.now();
    await get(warren.url, '/next');
    found(`Redis stands still: ${when} refusal`, 3_000, performance.now() - since);
  }
  redis.resume();
}

async function overloaded(_: BenchContext, scope: Teardowns, found: Parameters<Part>[2]): Promise<void> {
  const warren = await started(scope, { STORE: 'memory', DURABILITY: 'async' });
  const { port } = warren;
  const probe = await openLoop(scope, { port, connections: 200, perSecond: 100_000, durationMs: 1_000 });
  const perSecond = 3 * (probe.byStatus['200']?.count ?? 0);
  const load = openLoop(scope, { port, connections: 2_000, perSecond, durationMs: 2_000 });
  const healthMs = await slowestHealth(warren, load);
  found(
    'three times the capacity: the slowest answer',
    3_000,
    (await load).byStatus['200']?.max ?? Number.NaN,
  );
  found('three times the capacity: the slowest /health', 1_500, healthMs);
  const since = performance.now();
  while ((await get(warren.url, '/next')).status !== 200);
  found('three times the capacity: the next answer after it', 1_000, performance.now() - since);
}

async function overloadedStandstill(
  context: BenchContext,
  scope: Teardowns,
  found: Parameters<Part>[2],
): Promise<void> {
  const redis = await context.startRedis();
  if (!redis) return;
  const link = await startFaultProxy(scope, redis.port);
  const env = {
    REDIS_URL: `redis://127.0.0.1:${link.port}`,
    SHED_AFTER_MS: '200',
    COMMIT_TIMEOUT_MS: '2500',
  };
  const warren = await started(scope, env);
  link.delay(1_000);
  const load = { port: warren.port, connections: 2_000, perSecond: 1_500, durationMs: 6_000 };
  const { byStatus } = await openLoop(scope, load);
  found('a store that takes a second: the median refusal', 200, byStatus['503']?.median ?? Number.NaN);
  // Behind the commit under way and in the next one, and let in before the oldest was too old.
  found('a store that takes a second: the slowest answer', 3_200, byStatus['200']?.max ?? Number.NaN);
}

async function slowestHealth(warren: WarrenProcess, load: Promise<unknown>): Promise<number> {
  let over = false;
  void load.finally(() => {
    over = true;
  });
  let slowest = 0;
  while (!over) {
    const since = performance.now();
    await get(warren.url, '/health');
    slowest = Math.max(slowest, performance.now() - since);
    await delay(50);
  }
  return slowest;
}
