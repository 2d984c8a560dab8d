/** What is measured, and how scenarios hand it to the report: plain data, as it stands in the JSON of a run. */
import type { ScenarioKey } from './arguments.js';
import type { LoadResult } from './load/closed-loop.js';

/** One timed run of one contestant. */
export interface Sample extends LoadResult {
  readonly requestsPerSecond: number;
  /** CPU time of the server, all threads, per request, in microseconds; neither its store's nor the load generator's. */
  readonly cpuMicroseconds: number;
  /** Resident memory at its highest since the server's start, in MiB. */
  readonly peakMemoryMb: number;
}

/** All rounds of one contestant under one load. */
export interface Measurement {
  readonly contestant: string;
  /** What was asked for, in words: the same for all contestants that can be compared. */
  readonly workload: string;
  /** Decimal digits of the numbers, where all are of one size. */
  readonly digits?: number | undefined;
  readonly rounds: readonly Sample[];
}

/** A promise of the project, beside what this run shows. */
export interface Bar {
  readonly text: string;
  readonly value: number;
  /** Lowest and highest over the rounds. */
  readonly range?: readonly [number, number];
  /** Undefined when nothing was promised, and the figure is there for information. */
  readonly bound: number | undefined;
  readonly direction: 'at least' | 'at most';
  readonly unit: string;
  /** Why the figure proves nothing, however good it is. */
  readonly objection?: string | undefined;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ScenarioResult {
  readonly key: ScenarioKey;
  readonly title: string;
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
  readonly measurements: readonly Measurement[];
  /** What a reader must know, such as why a part was left out. */
  readonly notes: readonly string[];
}

export function isMet({ value, bound, direction, objection }: Bar): boolean {
  if (bound === undefined || objection !== undefined) return false;
  return direction === 'at least' ? value >= bound : value <= bound;
}
