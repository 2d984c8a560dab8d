/** What a contestant of several processes has used: all descendants of the processes that were started for it, as Linux tells it under /proc. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The unit of times in /proc/PID/stat. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process and of its children that have ended, in ticks. */
  readonly ticks: number;
}

/** The roots and everything below them that is alive now. */
export function treeOf(roots: readonly number[]): number[] {
  return statsOf(roots).map(({ pid }) => pid);
}

/** User and system time of all of them so far, in seconds. */
export function treeCpuSeconds(roots: readonly number[]): number {
  return statsOf(roots).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/**
 * Resident memory of all of them now, in MiB. Shared memory counts once, and so do the files that processes of one program have mapped, their
 * code above all.
 */
export function treeMemoryMb(roots: readonly number[]): number {
  const files = new Map<string, number>();
  let [own, shared] = [0, 0];
  for (const pid of treeOf(roots)) {
    const { anonymous, file, shmem, program } = residentOf(pid);
    own += anonymous;
    shared = Math.max(shared, shmem);
    files.set(program, Math.max(files.get(program) ?? 0, file));
  }
  return own + shared + [...files.values()].reduce((sum, mb) => sum + mb, 0);
}

/** SIGKILL to all of them, the roots first, so that no parent starts a child again. */
export function killTree(roots: readonly number[]): void {
  for (const pid of treeOf(roots)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended with its parent.
    }
  }
}

function statsOf(roots: readonly number[]): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const tree = all.filter(({ pid }) => roots.includes(pid));
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

function statOf(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      parent: Number(fields[1]),
      ticks: [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0),
    };
  } catch {
    return undefined;
  }
}

function residentOf(pid: number) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mb = (field: string) =>
      Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) / 1024;
    const program = readlinkSync(`/proc/${pid}/exe`);
    return { anonymous: mb('RssAnon'), file: mb('RssFile'), shmem: mb('RssShmem'), program };
  } catch {
    return { anonymous: 0, file: 0, shmem: 0, program: '' };
  }
}
