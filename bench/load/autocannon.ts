/**
 * Runs autocannon in a process of its own, so that its CPU and its pauses are not the bench's. This file is both:
 * what starts it, and what runs there. Its latencies are whole milliseconds.
 */
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../../test/support/child-handle.js';
import type { Teardowns } from '../teardowns.js';
import type { LoadResult, LoadSpec } from './closed-loop.js';

const SELF = fileURLToPath(import.meta.url);

export async function autocannon(scope: Teardowns, spec: LoadSpec): Promise<LoadResult> {
  const child = await ChildHandle.spawn({
    command: process.execPath,
    args: [SELF, JSON.stringify(spec)],
    env: {},
  });
  scope.teardown(() => child.end());
  const { code } = await child.exited;
  const line = child.output.split('\n').find((text) => text.startsWith('{'));
  if (code !== 0 || !line) throw new Error(`autocannon failed with code ${code}:\n${child.output}`);
  return JSON.parse(line);
}

async function run({
  port,
  path,
  nextEvery = 0,
  connections,
  seconds,
  requests,
}: LoadSpec): Promise<LoadResult> {
  const { default: start } = await import('autocannon');
  const usual = Array.from({ length: Math.max(0, nextEvery - 1) }, () => ({ path }));
  const result = await start({
    url: `http://127.0.0.1:${port}${path}`,
    connections,
    duration: seconds,
    ...(requests ? { amount: requests } : {}),
    ...(nextEvery > 0 ? { requests: [...usual, { path: '/next' }] } : {}),
  });
  const { latency } = result;
  return {
    requests: result['2xx'],
    seconds: result.duration,
    // Its errors include its time-outs.
    errors: result.errors + result.non2xx,
    mean: latency.average,
    p50: latency.p50,
    p90: latency.p90,
    p99: latency.p99,
    p999: latency.p99_9,
  };
}

if (process.argv[1] === SELF) console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))));
