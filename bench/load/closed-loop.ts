/**
 * Closed-loop load: so many connections, each of which sends its next request when it has the answer to the last. By wrk
 * when it is on the PATH; else by autocannon, which itself uses more CPU than the servers under test and takes it
 * from them on a small machine. The report says which.
 */
import { spawnSync } from 'node:child_process';
import type { Teardowns } from '../teardowns.js';
import { autocannon } from './autocannon.js';
import { wrk } from './wrk.js';

export interface LoadSpec {
  readonly port: number;
  readonly path: '/current' | '/next' | '/previous';
  /** Every so many requests is a `/next` instead: a workload of reads and writes whose numbers stay small. */
  readonly nextEvery?: number | undefined;
  readonly connections: number;
  /** Whole seconds, as wrk wants them. */
  readonly seconds: number;
  /** Nothing more is sent after so many. */
  readonly requests?: number | undefined;
}

/** Latencies in milliseconds. */
export interface LoadResult {
  /** Answered well; latencies are those of all answers. */
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
}

export interface LoadTool {
  readonly name: 'wrk' | 'autocannon';
  readonly version: string;
  readonly run: (scope: Teardowns, spec: LoadSpec) => Promise<LoadResult>;
}

export function chooseLoadTool(wanted: 'wrk' | 'autocannon' | undefined): LoadTool {
  const wrkVersion = wanted === 'autocannon' ? undefined : versionOfWrk();
  if (wrkVersion) return { name: 'wrk', version: wrkVersion, run: wrk };
  if (wanted === 'wrk') throw new Error('there is no wrk on the PATH');
  return { name: 'autocannon', version: '', run: autocannon };
}

function versionOfWrk(): string | undefined {
  // Asked for its version, wrk tells it and then fails for want of an address.
  const { stdout } = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  return /^wrk (\S+)/.exec(stdout ?? '')?.[1];
}
