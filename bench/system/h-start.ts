/**
 * (h) From nothing to the first number: the time from spawning the process to the first 200 of `/next`, cold, and again
 * on a folder that a predecessor has left at some index. Each round also lets a server rest, and takes its memory then. The
 * baselines are the ceiling and node:http, which have nothing to restore.
 */
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildHandle } from '../../test/support/child-handle.js';
import { freePort } from '../../test/support/free-port.js';
import { figureBar, summaryBar } from '../bars.js';
import {
  CEILING,
  type Contestant,
  NODE_HTTP,
  temporaryFolder,
  warrenInMemory,
  warrenOnLevel,
} from '../contestants.js';
import type { Bar } from '../measurement.js';
import { residentMb } from '../process-usage.js';
import { count } from '../report/table.js';
import type { BenchContext, Scenario } from '../scenario.js';
import { type Summary, summarize } from '../statistics.js';
import { scoped, type Teardowns } from '../teardowns.js';

const INDEXES = [0, 100_000, 1_000_000, 10_000_000];
const COLD_START_MS = 400;
/** By index. */
const RESTART_MS = new Map([
  [1_000_000, 500],
  [10_000_000, 3000],
]);
const PEAK_MB = 512;
const IDLE_MB = 110;
/** Warren begins its spare owner a second after the start. */
const IDLE_MS = 3_000;
const POLL_MS = 2;
const GIVE_UP_MS = 20_000;
const STOP_MS = 15_000;

function roundsOf({ quick }: BenchContext): number {
  return quick ? 1 : 3;
}

/** Two starts and two stops. */
const RESTART_S = 1.5;

interface Start {
  readonly milliseconds: number;
  /** NaN when it was given no rest. */
  readonly idleMb: number;
  readonly peakMb: number;
}

export const start: Scenario = {
  key: 'h',
  title: 'Start, restart, idle memory',

  plan(context) {
    const rounds = roundsOf(context);
    const [colds, restarts] = [4, INDEXES.length];
    return {
      steps: rounds * (colds + restarts),
      seconds: rounds * ((colds * (IDLE_MS + 500)) / 1000 + restarts * RESTART_S),
    };
  },

  async run(context) {
    const rounds = roundsOf(context);
    const cold = [CEILING, NODE_HTTP, warrenInMemory('async'), warrenOnLevel('gated')];
    const coldStarts = new Map(cold.map((contestant) => [contestant.name, [] as Start[]]));
    const restarts = new Map(INDEXES.map((index) => [index, [] as Start[]]));
    for (let round = 0; round < rounds; round++) {
      for (const contestant of cold) {
        context.step(`${contestant.name}: cold start`);
        coldStarts.get(contestant.name)?.push(await coldStart(context, contestant));
      }
      for (const index of INDEXES) {
        context.step(`Warren: restart at index ${count(index)}`);
        restarts.get(index)?.push(await restart(context, index));
      }
    }
    const row = (name: string, starts: readonly Start[]) => {
      const { median, min, max } = summarize(starts.map(({ milliseconds }) => milliseconds));
      return [name, count(median), `${count(min)}–${count(max)}`, count(idle(starts)), count(peak(starts))];
    };
    return {
      key: 'h',
      title: this.title,
      tables: [
        {
          title: 'From spawn to the first 200 of /next',
          columns: ['start', 'median ms', 'range ms', 'idle MiB', 'peak MiB'],
          rows: [
            ...[...coldStarts].map(([name, starts]) => row(`${name}, cold`, starts)),
            ...[...restarts].map(([index, starts]) =>
              row(`${warrenOnLevel('gated').name}, restart at index ${count(index)}`, starts),
            ),
          ],
        },
      ],
      bars: barsOf(coldStarts, restarts),
      measurements: [],
      notes: [],
    };
  },
};

function barsOf(cold: ReadonlyMap<string, Start[]>, restarts: ReadonlyMap<number, Start[]>): Bar[] {
  const { name } = warrenOnLevel('gated');
  const starts = cold.get(name) ?? [];
  return [
    summaryBar(`${name}: cold start`, 'at most', COLD_START_MS, medianMs(starts), 'ms'),
    figureBar(`${name}: idle memory`, 'at most', IDLE_MB, idle(starts), 'MiB'),
    ...[...RESTART_MS].flatMap(([index, bound]) => {
      const text = `${name}: restart at index ${count(index)}`;
      const list = restarts.get(index) ?? [];
      return [
        summaryBar(text, 'at most', bound, medianMs(list), 'ms'),
        figureBar(`${text}: peak memory`, 'at most', PEAK_MB, peak(list), 'MiB'),
      ];
    }),
  ];
}

function medianMs(starts: readonly Start[]): Summary {
  return summarize(starts.map(({ milliseconds }) => milliseconds));
}

function idle(starts: readonly Start[]): number {
  return summarize(starts.map(({ idleMb }) => idleMb)).median;
}

function peak(starts: readonly Start[]): number {
  return summarize(starts.map(({ peakMb }) => peakMb)).max;
}

function coldStart(context: BenchContext, contestant: Contestant): Promise<Start> {
  return scoped(context.scope, async (scope) => {
    const folder = await temporaryFolder(scope);
    return firstAnswer(scope, contestant, folder, { INITIAL_INDEX: '0' }, IDLE_MS);
  });
}

function restart(context: BenchContext, index: number): Promise<Start> {
  return scoped(context.scope, async (scope) => {
    const folder = await temporaryFolder(scope);
    const contestant = warrenOnLevel('gated');
    await firstAnswer(scope, contestant, folder, { INITIAL_INDEX: `${index}` }, 0);
    return firstAnswer(scope, contestant, folder, {}, 0);
  });
}

/** Starts a server, waits for its first answer, and stops it cleanly. */
async function firstAnswer(
  scope: Teardowns,
  { command, args, env }: Contestant,
  folder: string,
  more: Record<string, string>,
  idleMs: number,
): Promise<Start> {
  const port = await freePort();
  const address = { PORT: `${port}`, SERVING_HOST_PORT: `127.0.0.1:${port}`, DATA_DIR: folder };
  const begin = performance.now();
  const child = await ChildHandle.spawn({ command, args, env: { ...env, ...more, ...address } });
  scope.teardown(() => child.end());
  while (!(await answers(port))) {
    if (!child.running || performance.now() - begin > GIVE_UP_MS)
      throw new Error(`no answer:\n${child.output}`);
    await delay(POLL_MS);
  }
  const milliseconds = performance.now() - begin;
  if (idleMs > 0) await delay(idleMs);
  const idleMb = idleMs > 0 ? residentMb(child.pid, 'VmRSS') : Number.NaN;
  const peakMb = residentMb(child.pid, 'VmHWM');
  await child.stop(STOP_MS);
  return { milliseconds, idleMb, peakMb };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/next', agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    request.on('error', () => resolve(false));
  });
}
