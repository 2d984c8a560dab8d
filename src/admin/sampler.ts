/**
 * One sample a second of everything that the live page draws: rates and percentiles of the second that has passed, and
 * the totals behind them, which are the same numbers that `/metrics` shows.
 */
import type { RequestCounts } from '../http/request-counts.js';
import type { Distribution } from '../meter/histogram.js';
import {
  checkpointLagOf,
  digitsOf,
  indexOf,
  type Parts,
  type Phase,
  phaseOf,
  residentBytes,
  threadsOf,
} from './vitals.js';

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly phase: Phase;
  readonly index: number;
  readonly digits: number;
  readonly epoch: number;
  /** Per second. */
  readonly rates: { readonly next: number; readonly reads: number; readonly problems: number };
  /** Milliseconds; undefined in a second without answers. */
  readonly latency: Percentiles;
  readonly pending: number;
  readonly oldestMs: number;
  readonly batch: number | undefined;
  readonly commits: {
    readonly rate: number;
    readonly latency: Percentiles;
    /** Steps per commit. */
    readonly group: number | undefined;
    readonly lag: number;
  };
  /** Busy share, 0 to 1. */
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

interface Percentiles {
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

interface Totals {
  readonly at: number;
  readonly next: number;
  readonly reads: number;
  readonly problems: number;
  readonly latency: Distribution;
  readonly batches: Distribution;
  readonly commitLatency: Distribution;
  readonly groups: Distribution;
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
    const { rehearsal } = parts;
    return {
      at: Date.now(),
      phase: phaseOf(parts),
      index: indexOf(parts),
      digits: digitsOf(parts),
      epoch: parts.owner.acknowledged?.epoch ?? 0,
      rates: { next: rate((t) => t.next), reads: rate((t) => t.reads), problems: rate((t) => t.problems) },
      latency: percentiles(now.latency.since(before.latency)),
      pending: parts.owner.pending,
      oldestMs: round(parts.owner.oldestMs),
      batch: round(now.batches.since(before.batches).mean),
      commits: {
        rate: round(commits.count / seconds),
        latency: percentiles(commits),
        group: round(now.groups.since(before.groups).mean),
        lag: checkpointLagOf(parts),
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
        answers: now.next + now.reads,
        problems: now.problems,
        commits: now.commitLatency.count,
        deaths: parts.owner.meter.deaths,
      },
      faults: rehearsal && {
        storeDelayMs: rehearsal.storeDelayMs,
        storeDropped: rehearsal.storeDropped,
      },
    };
  }
}

function totalsOf({ owner, ownerMeter, server }: Parts): Totals {
  const sum = (pick: (counts: RequestCounts) => number) =>
    server.counts.reduce((total, counts) => total + pick(counts), 0);
  return {
    at: performance.now(),
    next: sum((c) => (c.path === '/next' ? c.ok : 0)),
    reads: sum((c) => (c.path === '/current' || c.path === '/previous' ? c.ok : 0)),
    problems: sum((c) => Object.values(c.problems).reduce((total, count) => total + count, 0)),
    latency: owner.meter.latency.read(),
    batches: owner.meter.batchSizes.read(),
    commitLatency: ownerMeter.commitLatency.read(),
    groups: ownerMeter.groupSizes.read(),
  };
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
