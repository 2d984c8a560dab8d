/** Takes a sample each second for the live page: rates and percentiles of the last second, and the totals that `/metrics` shows. */
import type { RequestCounts } from '../http/request-counts.js';
import { type Distribution, Histogram, LATENCY_MS } from '../meter/histogram.js';
import { EVICTIONS, LOADS, STATE_BYTES, STATES, UNSTORED } from '../meter/owner-meter.js';
import { type Parts, type Phase, pendingOf, phaseOf, residentBytes, threadsOf } from './process-figures.js';

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly phase: Phase;
  readonly epoch: number;
  /** Answers per second, of all actors. */
  readonly rates: { readonly commands: number; readonly queries: number; readonly problems: number };
  /** Milliseconds; undefined in a second without answers. */
  readonly latency: Percentiles;
  readonly actors: readonly ActorSample[];
  /** Figures of the built-in actors, by name. */
  readonly residents: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly pending: number;
  readonly oldestMs: number;
  readonly batch: number | undefined;
  readonly commits: {
    readonly rate: number;
    readonly latency: Percentiles;
    /** Actors per commit. */
    readonly group: number | undefined;
    /** Approximate bytes per commit. */
    readonly bytes: number | undefined;
    /** Actors whose newest state is not stored yet. */
    readonly unstored: number;
  };
  readonly states: {
    readonly count: number;
    readonly bytes: number;
    /** Per second. */
    readonly loads: number;
    readonly evictions: number;
  };
  /** Share of time in which the thread was busy, 0 to 1. */
  readonly busy: { readonly main: number; readonly owner: number };
  readonly heapBytes: { readonly main: number; readonly owner: number };
  readonly residentBytes: number;
  readonly unsentBytes: number;
  readonly totals: {
    readonly answers: number;
    readonly problems: number;
    readonly commits: number;
    readonly deaths: number;
  };
  readonly faults: { readonly storeDelayMs: number; readonly storeDropped: boolean } | undefined;
}

export interface ActorSample {
  readonly name: string;
  /** Per second. */
  readonly answers: number;
  readonly refusals: number;
  readonly problems: number;
  readonly latency: Percentiles;
}

interface Percentiles {
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

interface ActorTotals {
  readonly answers: number;
  readonly refusals: number;
  readonly problems: number;
  readonly latency: Distribution;
}

interface Totals {
  readonly at: number;
  readonly commands: number;
  readonly queries: number;
  readonly problems: number;
  readonly latency: Distribution;
  readonly actors: ReadonlyMap<string, ActorTotals>;
  readonly batches: Distribution;
  readonly commitLatency: Distribution;
  readonly groups: Distribution;
  readonly groupBytes: Distribution;
  readonly loads: number;
  readonly evictions: number;
}

export class Sampler {
  readonly #parts: Parts;
  #before: Totals;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#before = totalsOf(parts);
  }

  take(): Sample {
    const parts = this.#parts;
    const before = this.#before;
    const now = totalsOf(parts);
    this.#before = now;
    const seconds = Math.max(now.at - before.at, 1) / 1000;
    const rate = (pick: (totals: Totals) => number) => round((pick(now) - pick(before)) / seconds);
    const commits = now.commitLatency.since(before.commitLatency);
    const [main, owner] = threadsOf(parts);
    const { faults, ownerMeter } = parts;
    return {
      at: Date.now(),
      phase: phaseOf(parts),
      epoch: parts.owner.epoch,
      rates: {
        commands: rate((t) => t.commands),
        queries: rate((t) => t.queries),
        problems: rate((t) => t.problems),
      },
      latency: percentiles(now.latency.since(before.latency)),
      actors: Array.from(now.actors, ([name, totals]) =>
        actorSample(name, totals, before.actors.get(name) as ActorTotals, seconds),
      ),
      residents: Object.fromEntries(
        Array.from(parts.residents, ([name, resident]) => [name, resident.figures()]),
      ),
      pending: pendingOf(parts),
      oldestMs: round(parts.owner.oldestMs),
      batch: round(now.batches.since(before.batches).mean),
      commits: {
        rate: round(commits.count / seconds),
        latency: percentiles(commits),
        group: round(now.groups.since(before.groups).mean),
        bytes: round(now.groupBytes.since(before.groupBytes).mean),
        unstored: ownerMeter.read(UNSTORED),
      },
      states: {
        count: ownerMeter.read(STATES),
        bytes: ownerMeter.read(STATE_BYTES),
        loads: rate((t) => t.loads),
        evictions: rate((t) => t.evictions),
      },
      busy: {
        main: round(main?.utilization ?? 0),
        owner: round(owner?.utilization ?? 0),
      },
      heapBytes: {
        main: main?.heapBytes ?? 0,
        owner: owner?.heapBytes ?? 0,
      },
      residentBytes: residentBytes(),
      unsentBytes: parts.server.slowReaders.bytes,
      totals: {
        answers: now.commands + now.queries,
        problems: now.problems,
        commits: now.commitLatency.count,
        deaths: parts.owner.deaths,
      },
      faults: faults && { storeDelayMs: faults.storeDelayMs, storeDropped: faults.storeDropped },
    };
  }
}

function actorSample(name: string, now: ActorTotals, before: ActorTotals, seconds: number): ActorSample {
  const rate = (pick: (totals: ActorTotals) => number) => round((pick(now) - pick(before)) / seconds);
  return {
    name,
    answers: rate((t) => t.answers),
    refusals: rate((t) => t.refusals),
    problems: rate((t) => t.problems),
    latency: percentiles(now.latency.since(before.latency)),
  };
}

function totalsOf({ requests, ownerMeter, server }: Parts): Totals {
  const latencies = Array.from(requests.latencies, ([name, histogram]) => [name, histogram.read()] as const);
  const all = latencies.map(([, latency]) => latency);
  return {
    at: performance.now(),
    commands: sum(server.counts, (c) => (isCommand(c) ? c.ok + c.refused : 0)),
    queries: sum(server.counts, (c) => (c.actor !== '' && !isCommand(c) ? c.ok + c.refused : 0)),
    problems: sum(server.counts, problemsIn),
    latency: all
      .slice(1)
      .reduce((merged, one) => merged.plus(one), all[0] ?? new Histogram(LATENCY_MS).read()),
    actors: new Map(
      latencies.map(([name, latency]) => {
        const own = server.counts.filter(({ actor }) => actor === name);
        return [
          name,
          {
            answers: sum(own, (c) => c.ok + c.refused),
            refusals: sum(own, (c) => c.refused),
            problems: sum(own, problemsIn),
            latency,
          },
        ];
      }),
    ),
    batches: requests.batchSizes.read(),
    commitLatency: ownerMeter.commitLatency.read(),
    groups: ownerMeter.groupSizes.read(),
    groupBytes: ownerMeter.groupBytes.read(),
    loads: ownerMeter.read(LOADS),
    evictions: ownerMeter.read(EVICTIONS),
  };
}

/** The sequence moves with GET, too. */
function isCommand({ method, path }: RequestCounts): boolean {
  return method === 'POST' || path === '/next';
}

function problemsIn({ problems }: RequestCounts): number {
  return Object.values(problems).reduce((total, count) => total + count, 0);
}

function sum(counts: readonly RequestCounts[], pick: (counts: RequestCounts) => number): number {
  return counts.reduce((total, one) => total + pick(one), 0);
}

function percentiles(distribution: Distribution): Percentiles {
  return {
    p50: round(distribution.quantile(0.5)),
    p90: round(distribution.quantile(0.9)),
    p99: round(distribution.quantile(0.99)),
  };
}

/** Three significant digits after the point are more than a chart shows. */
function round<T extends number | undefined>(value: T): T {
  return (value === undefined ? undefined : Math.round(value * 1000) / 1000) as T;
}
