/**
 * Contestants under one load, side by side: each round lets every one of them run once, in rotated order. A warm-up
 * counts for nothing. A server that still works on abandoned requests after its run is ended and started anew, or it
 * would take CPU from the next one.
 */
import type { Contestant } from './contestants.js';
import type { LoadSpec } from './load/closed-loop.js';
import type { Measurement, Sample } from './measurement.js';
import { RunningServer } from './running-server.js';
import type { BenchContext, Plan } from './scenario.js';
import { rotated } from './statistics.js';
import { scoped, type Teardowns } from './teardowns.js';

const SETTLE_MS = 500;
/** As short as wrk can. */
const WARM_UP_S = 1;
/** At most, with requests of the load itself. */
const OWN_WARM_UP_S = 2;
/** What starting a server and checking it takes, and what passes between two runs, for plans. */
const START_S = 0.4;
const PAUSE_S = 0.15;

export interface Pace {
  readonly rounds: number;
  /** Of each timed run. */
  readonly seconds: number;
  /** Not for those who run once, unless it is for all. */
  readonly warmUp: boolean | 'all';
  /** Every round begins on a server that was just started, at the first index. Its warm-up only reads, if it has no requests. */
  readonly fresh?: boolean;
  /** A warm-up of so many requests of the load itself: what runs for the first time is slow for some thousand times. */
  readonly warmUpRequests?: number;
}

export interface Race extends Pace {
  readonly workload: string;
  readonly contestants: readonly Contestant[];
  /** Those of no great interest, who run in the first round only. */
  readonly once?: readonly Contestant[];
  readonly load: Omit<LoadSpec, 'port' | 'seconds'>;
  readonly initialIndex: number;
  readonly digits?: number;
}

/** How often `race` calls `step`, and how long it takes. */
export function planOf(pace: Pace, contestants: number, once = 0): Plan {
  const { rounds, seconds, warmUp, fresh = false, warmUpRequests = 0 } = pace;
  const timed = contestants * rounds + once;
  const everyone = contestants + once;
  const starts = fresh ? timed : everyone;
  const warmUps = warmUp === 'all' ? starts : warmUp ? starts - once : 0;
  return {
    steps: timed + warmUps,
    seconds:
      timed * (seconds + PAUSE_S) +
      warmUps * ((warmUpRequests > 0 ? OWN_WARM_UP_S : WARM_UP_S) + PAUSE_S) +
      starts * START_S,
  };
}

export async function race(context: BenchContext, options: Race): Promise<Measurement[]> {
  return scoped(context.scope, async (scope) => {
    const lanes = [...options.contestants, ...(options.once ?? [])].map((contestant) => new Lane(contestant));
    const warmsUp = ({ contestant }: Lane) =>
      options.warmUp === 'all' || (options.warmUp && !options.once?.includes(contestant));
    if (!options.fresh) {
      for (const lane of lanes) await lane.up(scope, options.initialIndex);
      for (const lane of lanes.filter(warmsUp)) await warmUp(context, scope, lane, options);
    }
    for (let round = 0; round < options.rounds; round++) {
      const takePart = lanes.filter(({ contestant }) => round === 0 || !options.once?.includes(contestant));
      for (const lane of rotated(takePart, round)) {
        if (options.fresh && warmsUp(lane)) await warmUp(context, scope, lane, options);
        context.step(`${lane.contestant.name}: ${options.workload}`);
        const server = await lane.up(scope, options.initialIndex);
        const { seconds } = options;
        lane.rounds.push(await timed(context, scope, server, { ...options.load, seconds }));
        if (options.fresh || !(await server.settles(SETTLE_MS))) await lane.end();
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

async function warmUp(context: BenchContext, scope: Teardowns, lane: Lane, options: Race): Promise<void> {
  context.step(`${lane.contestant.name}: warm-up`);
  const server = await lane.up(scope, options.initialIndex);
  const { load, fresh, warmUpRequests: requests } = options;
  if (requests) await timed(context, scope, server, { ...load, seconds: OWN_WARM_UP_S, requests });
  else {
    const reads = { path: '/current' as const, connections: load.connections };
    await timed(context, scope, server, { ...(fresh ? reads : load), seconds: WARM_UP_S });
  }
  if (!(await server.settles(SETTLE_MS))) await lane.end();
}

class Lane {
  readonly contestant: Contestant;
  readonly rounds: Sample[] = [];
  #server: RunningServer | undefined;

  constructor(contestant: Contestant) {
    this.contestant = contestant;
  }

  async up(scope: Teardowns, initialIndex: number): Promise<RunningServer> {
    this.#server ??= await RunningServer.start(scope, this.contestant, { initialIndex });
    return this.#server;
  }

  async end(): Promise<void> {
    await this.#server?.end();
    this.#server = undefined;
  }
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
