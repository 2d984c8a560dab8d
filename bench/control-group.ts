/**
 * A bound on CPU and memory, by Linux control groups of version 1 or 2, where the machine permits it: that takes root
 * and writable groups, which most containers do not have. A process enters its group before it becomes the server.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contestant } from './contestants.js';
import type { Teardowns } from './teardowns.js';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
const ENTER = 'for group in $GROUPS_TO_ENTER; do echo $$ > "$group/cgroup.procs" || exit 1; done; exec "$@"';
const REMOVE_TRIES = 50;
const REMOVE_WAIT_MS = 20;

export interface Limits {
  readonly cpus: number;
  readonly memoryMb: number;
}

/** Folders to make, and what to write into which file of theirs. */
interface Plan {
  readonly folders: readonly string[];
  readonly settings: readonly (readonly [file: string, value: string])[];
  readonly peakFile: string;
}

export class ControlGroup {
  readonly #plan: Plan;

  /** @returns why not, as text, when the machine does not permit it. */
  static create(scope: Teardowns, limits: Limits): ControlGroup | string {
    const plan = planFor(limits, `warren-bench-${process.pid}-${Date.now()}`);
    if (typeof plan === 'string') return plan;
    const made: string[] = [];
    scope.teardown(() => removeAll(made));
    try {
      for (const folder of plan.folders) {
        mkdirSync(folder);
        made.push(folder);
      }
      for (const [file, value] of plan.settings) writeFileSync(file, value);
      for (const folder of plan.folders) accessSync(`${folder}/cgroup.procs`, constants.W_OK);
    } catch (error) {
      return `control groups are not permitted here (${error instanceof Error ? error.message : error})`;
    }
    return new ControlGroup(plan);
  }

  private constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** The command that starts the contestant inside of the group. */
  enclose({ command, args }: Contestant): { command: string; args: readonly string[] } {
    const script = `GROUPS_TO_ENTER='${this.#plan.folders.join(' ')}'; ${ENTER}`;
    return { command: '/bin/sh', args: ['-c', script, 'enter', command, ...args] };
  }

  /** The most memory that the group has held, page cache included, in MiB; NaN when the kernel does not tell. */
  peakMemoryMb(): number {
    const { peakFile } = this.#plan;
    return existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) / 2 ** 20 : Number.NaN;
  }
}

function planFor({ cpus, memoryMb }: Limits, name: string): Plan | string {
  const quota = Math.round(cpus * PERIOD_US);
  const bytes = memoryMb * 2 ** 20;
  if (existsSync(`${ROOT}/cgroup.controllers`)) {
    const folder = `${ROOT}/${name}`;
    return {
      folders: [folder],
      settings: [
        [`${folder}/cpu.max`, `${quota} ${PERIOD_US}`],
        [`${folder}/memory.max`, `${bytes}`],
      ],
      peakFile: `${folder}/memory.peak`,
    };
  }
  if (existsSync(`${ROOT}/cpu`) && existsSync(`${ROOT}/memory`)) {
    const cpu = `${ROOT}/cpu/${name}`;
    const memory = `${ROOT}/memory/${name}`;
    return {
      folders: [cpu, memory],
      settings: [
        [`${cpu}/cpu.cfs_period_us`, `${PERIOD_US}`],
        [`${cpu}/cpu.cfs_quota_us`, `${quota}`],
        [`${memory}/memory.limit_in_bytes`, `${bytes}`],
      ],
      peakFile: `${memory}/memory.max_usage_in_bytes`,
    };
  }
  return 'this machine has no control groups for cpu and memory under /sys/fs/cgroup';
}

/** A group can be removed only once its last process is gone for good. */
async function removeAll(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let tries = 1; existsSync(folder); tries++) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if (tries === REMOVE_TRIES) throw error;
        await delay(REMOVE_WAIT_MS);
      }
    }
  }
}
