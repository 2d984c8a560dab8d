/**
 * The mark of a process: a short text of host, process id and start time. By this mark another process on the same host can prove that the
 * process has ended.
 *
 * It has ended when no process has that id, or when the process with that id has another start time. A mark of another boot, container or
 * machine proves nothing.
 */
import { hash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** Fields of /proc/…/stat after the name of the program, which may hold anything. */
const STATE = 0;
const START_TIME = 19;

/** The mark of this process; empty where the system does not tell it (no `/proc`). */
export function processMark(): string {
  const host = hostMark();
  const startTime = statOf(process.pid)?.[START_TIME];
  return host && startTime ? `${host}.${process.pid}.${startTime}` : '';
}

/** Whether the process with this mark has ended for certain. */
export function isProvenDead(mark: string): boolean {
  const [host, pid, startTime] = mark.split('.');
  if (!host || !pid || !startTime || host !== hostMark()) return false;
  if (!exists(Number(pid))) return true;
  const stat = statOf(Number(pid));
  if (!stat) return false;
  return stat[START_TIME] !== startTime || stat[STATE] === 'Z' || stat[STATE] === 'X';
}

/** Stands for one boot of one machine and one process-id namespace on it. */
function hostMark(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return hash('sha256', `${boot} ${readlinkSync('/proc/self/ns/pid')}`).slice(0, 12);
  } catch {
    return undefined;
  }
}

/** Sends signal 0, which only tests for existence. `/proc` may hide the processes of other users. */
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
