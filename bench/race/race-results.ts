/** What a race has measured, as the report reads it. */
import type { Measurement } from '../measurement.js';
import type { Honesty } from './honesty.js';
import type { RaceContestant } from './race-contestants.js';

export interface RaceLoad {
  readonly connections: number;
  readonly keys: number;
  /** Only for those that are fast enough for so many connections. */
  readonly fastOnly?: boolean;
}

export const LOADS: readonly RaceLoad[] = [
  { connections: 100, keys: 1 },
  { connections: 1, keys: 1 },
  { connections: 100, keys: 100 },
  { connections: 1, keys: 100 },
  { connections: 1_000, keys: 1, fastOnly: true },
  { connections: 1_000, keys: 100, fastOnly: true },
];

export function workloadOf({ connections, keys }: RaceLoad): string {
  const clients = connections === 1 ? 'one connection' : `${connections.toLocaleString('en-US')} connections`;
  return `${keys === 1 ? 'one key' : `${keys} keys`}, ${clients}`;
}

export interface RaceResults {
  readonly contestants: readonly RaceContestant[];
  readonly measurements: readonly Measurement[];
  /** By id. Syncs for each 1,000 answers under the first load; NaN where they cannot be counted. */
  readonly syncs: ReadonlyMap<string, number>;
  /** By id. */
  readonly honesty: ReadonlyMap<string, Honesty>;
  /** A sentence for each contestant that could not take part, or failed. */
  readonly notes: readonly string[];
}
