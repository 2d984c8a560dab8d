/**
 * Contestants under one load, side by side: all are up, and each round lets every one of them run once, in rotated
 * order. A warm-up before the first round counts for nothing. A server that still works on abandoned requests after
 * its run is ended and started anew, or it would take CPU from the next one.
 */
import type { Contestant } from './contestants.js';
import type { ControlGroup } from './control-group.js';
import type { LoadSpec } from './load/closed-loop.js';
import type { Measurement, Sample } from './measurement.js';
import { RunningServer } from './running-server.js';
import type { BenchContext } from './scenario.js';
import { rotated } from './statistics.js';
import { scoped, type Teardowns } from './teardowns.js';

const SETTLE_MS = 500;
/** As short as wrk can. */
const WARM_UP_S = 1;

export interface Race {
  readonly workload: string;
  readonly contestants: readonly Contestant[];
  readonly load: Omit<LoadSpec, 'port'>;
  readonly rounds: number;
  readonly warmUp: boolean;
  readonly initialIndex: number;
  readonly digits?: number;
  readonly group?: ControlGroup;
}

/** How often `race` calls `step`. */
export function stepsOf({
  contestants,
  rounds,
  warmUp,
}: {
  contestants: number;
  rounds: number;
  warmUp: boolean;
}): number {
  return contestants * (rounds + (warmUp ? 1 : 0));
}

export async function race(context: BenchContext, options: Race): Promise<Measurement[]> {
  return scoped(context.scope, async (scope) => {
    const lanes = await startAll(scope, options);
    for (let round = options.warmUp ? -1 : 0; round < options.rounds; round++) {
      for (const lane of rotated(lanes, Math.max(0, round))) {
        const seconds = round < 0 ? WARM_UP_S : options.load.seconds;
        context.step(`${lane.contestant.name}: ${options.workload}`);
        lane.server ??= await start(scope, lane.contestant, options);
        const sample = await timed(context, scope, lane.server, { ...options.load, seconds });
        if (round >= 0) lane.rounds.push(sample);
        if (!(await lane.server.settles(SETTLE_MS))) {
          await lane.server.end();
          lane.server = undefined;
        }
      }
    }
    return lanes.map(({ contestant, rounds }) => ({
      contestant: contestant.name,
      workload: options.workload,
      digits: options.digits,
      rounds,
    }));
  });
}

interface Lane {
  readonly contestant: Contestant;
  readonly rounds: Sample[];
  server: RunningServer | undefined;
}

async function startAll(scope: Teardowns, options: Race): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (const contestant of options.contestants) {
    lanes.push({ contestant, rounds: [], server: await start(scope, contestant, options) });
  }
  return lanes;
}

function start(
  scope: Teardowns,
  contestant: Contestant,
  { initialIndex, group }: Race,
): Promise<RunningServer> {
  return RunningServer.start(scope, contestant, { initialIndex, group });
}

/** One run of load, with what the server has used meanwhile. */
export async function timed(
  context: BenchContext,
  scope: Teardowns,
  server: RunningServer,
  load: Omit<LoadSpec, 'port'>,
): Promise<Sample> {
  const before = server.cpuSeconds();
  const result = await context.load.run(scope, { ...load, port: server.port });
  const used = server.cpuSeconds() - before;
  if (!server.running) throw new Error(`${server.contestant.name} ended under load:\n${server.output}`);
  return {
    ...result,
    requestsPerSecond: result.requests / result.seconds,
    cpuMicroseconds: result.requests > 0 ? (used * 1e6) / result.requests : Number.NaN,
    peakMemoryMb: server.peakMemoryMb(),
  };
}
