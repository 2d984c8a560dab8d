/** Runs wrk, with a script that reports what the table needs as JSON. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../../test/support/child-handle.js';
import type { Teardowns } from '../teardowns.js';
import type { LoadResult, LoadSpec } from './closed-loop.js';

/** The compiled file stands two folders below the package in dist/, the script is not compiled. */
const SCRIPT = fileURLToPath(new URL('../../../bench/load/wrk.lua', import.meta.url));
const TIMEOUT_S = 10;
const US_PER_MS = 1000;

export async function wrk(scope: Teardowns, spec: LoadSpec): Promise<LoadResult> {
  // One thread of wrk keeps several servers busy; a second one pays only where cores are to spare.
  const threads = Math.max(1, Math.min(4, availableParallelism() >> 2, spec.connections));
  return runWrk(scope, {
    url: `http://127.0.0.1:${spec.port}${spec.path}`,
    threads,
    connections: spec.connections,
    seconds: spec.seconds,
    script: SCRIPT,
    args: [`${spec.nextEvery ?? 0}`, `${spec.requests ?? 0}`],
  });
}

export interface WrkRun {
  readonly url: string;
  readonly threads: number;
  readonly connections: number;
  readonly seconds: number;
  /** Prints one line of JSON at its end. */
  readonly script: string;
  /** What the script is told. */
  readonly args: readonly string[];
}

export async function runWrk(scope: Teardowns, run: WrkRun): Promise<LoadResult> {
  const child = await ChildHandle.spawn({
    command: 'wrk',
    args: [
      ...['-t', `${run.threads}`, '-c', `${run.connections}`, '-d', `${run.seconds}s`],
      ...['--timeout', `${TIMEOUT_S}s`, '-s', run.script, run.url, '--', ...run.args],
    ],
    env: {},
  });
  scope.teardown(() => child.end());
  const { code } = await child.exited;
  const line = child.output.split('\n').find((text) => text.startsWith('{'));
  if (code !== 0 || !line) throw new Error(`wrk failed with code ${code}:\n${child.output}`);
  const { requests, duration, errors, mean, p50, p90, p99, p999 } = JSON.parse(line);
  return {
    requests,
    seconds: duration / 1e6,
    errors,
    mean: mean / US_PER_MS,
    p50: p50 / US_PER_MS,
    p90: p90 / US_PER_MS,
    p99: p99 / US_PER_MS,
    p999: p999 / US_PER_MS,
  };
}
