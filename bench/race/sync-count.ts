/**
 * Counts how often processes ask the kernel to bring a file to the disk, while `body` runs: by perf, which costs them nearly nothing, or
 * by strace, which slows them down. Never in a timed run.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildHandle } from '../../test/support/child-handle.js';
import type { Teardowns } from '../teardowns.js';

const CALLS = ['fsync', 'fdatasync', 'sync_file_range', 'msync'];
/** Until the tool has attached itself to all threads. */
const ATTACH_MS = 700;
const STOP_MS = 10_000;

type Tool = 'perf' | 'strace';

/** @returns NaN where neither tool may do it. */
export async function countSyncs(
  scope: Teardowns,
  pids: readonly number[],
  body: () => Promise<void>,
): Promise<number> {
  const tool = chosen();
  if (tool === undefined) {
    await body();
    return Number.NaN;
  }
  const child = await ChildHandle.spawn({
    command: tool,
    args: argumentsOf(tool, pids),
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin:/usr/sbin' },
  });
  scope.teardown(() => child.end());
  await delay(ATTACH_MS);
  await body();
  child.signal('SIGINT');
  await Promise.race([child.exited, delay(STOP_MS)]);
  return tool === 'perf' ? countedByPerf(child.output) : countedByStrace(child.output);
}

function argumentsOf(tool: Tool, pids: readonly number[]): string[] {
  if (tool === 'perf') return ['stat', '-x', ',', '-e', events(), '-p', pids.join(',')];
  return ['-f', '-c', '-e', `trace=${CALLS.join(',')}`, ...pids.flatMap((pid) => ['-p', `${pid}`])];
}

function events(): string {
  return CALLS.map((call) => `syscalls:sys_enter_${call}`).join(',');
}

let found: Tool | undefined | 'unknown' = 'unknown';

function chosen(): Tool | undefined {
  if (found === 'unknown') {
    const works = (tool: Tool, args: readonly string[]) =>
      spawnSync(tool, args, { stdio: 'ignore' }).status === 0;
    found = works('perf', ['stat', '-e', events(), 'true'])
      ? 'perf'
      : works('strace', ['-c', '-o', '/dev/null', 'true'])
        ? 'strace'
        : undefined;
  }
  return found;
}

/** Lines of `COUNT,UNIT,EVENT,…`. */
function countedByPerf(output: string): number {
  const counts = [...output.matchAll(/^(\d+),[^,]*,syscalls:/gm)].map(([, count]) => Number(count));
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : Number.NaN;
}

/** A table whose fourth column is the number of calls, and the last the name. */
function countedByStrace(output: string): number {
  const counts = [...output.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm)]
    .filter(([, , call]) => CALLS.includes(call ?? ''))
    .map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}
