/**
 * Where a process runs, in a few characters that another process on the same host can read: host, process id, start time.
 *
 * Only a proof counts: host and process ids of another boot, another container or another system prove nothing, and a
 * process of that id with another start time, or none at all, proves that the one of the mark has ended.
 */
import { hash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** Fields of /proc/…/stat after the name of the program, which may hold anything. */
const STATE = 0;
const START_TIME = 19;

/** @returns an empty text where it cannot be told. */
export function processMark(): string {
  const host = hostMark();
  const startTime = statOf(process.pid)?.[START_TIME];
  return host && startTime ? `${host}.${process.pid}.${startTime}` : '';
}

/** Whether the process of the mark has ended for certain. */
export function isProvenDead(mark: string): boolean {
  const [host, pid, startTime] = mark.split('.');
  if (!host || !pid || !startTime || host !== hostMark()) return false;
  if (!exists(Number(pid))) return true;
  const stat = statOf(Number(pid));
  if (!stat) return false;
  return stat[START_TIME] !== startTime || stat[STATE] === 'Z' || stat[STATE] === 'X';
}

/** One boot of one machine, and one space of process ids on it. */
function hostMark(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return hash('sha256', `${boot} ${readlinkSync('/proc/self/ns/pid')}`).slice(0, 12);
  } catch {
    return undefined;
  }
}

/** By a signal that is none: /proc may hide the processes of other users. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
