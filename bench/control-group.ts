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

interface Setting {
  readonly file: string;
  readonly value: string;
  /** Only where the kernel has that file: without swap accounting there is nothing to bound. */
  readonly optional?: boolean;
}

/** Folders to make, and what to write into which file of theirs. */
interface Plan {
  readonly folders: readonly string[];
  readonly settings: readonly Setting[];
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
      for (const { file, value, optional } of plan.settings) {
        if (!optional || existsSync(file)) writeFileSync(file, value);
      }
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
}

function planFor({ cpus, memoryMb }: Limits, name: string): Plan | string {
  const quota = Math.round(cpus * PERIOD_US);
  const bytes = memoryMb * 2 ** 20;
  if (existsSync(`${ROOT}/cgroup.controllers`)) {
    const folder = `${ROOT}/${name}`;
    const missing = delegate(['cpu', 'memory']);
    if (missing) return missing;
    return {
      folders: [folder],
      settings: [
        { file: `${folder}/cpu.max`, value: `${quota} ${PERIOD_US}` },
        { file: `${folder}/memory.max`, value: `${bytes}` },
        { file: `${folder}/memory.swap.max`, value: '0', optional: true },
      ],
    };
  }
  if (existsSync(`${ROOT}/cpu`) && existsSync(`${ROOT}/memory`)) {
    const cpu = `${ROOT}/cpu/${name}`;
    const memory = `${ROOT}/memory/${name}`;
    return {
      folders: [cpu, memory],
      settings: [
        { file: `${cpu}/cpu.cfs_period_us`, value: `${PERIOD_US}` },
        { file: `${cpu}/cpu.cfs_quota_us`, value: `${quota}` },
        { file: `${memory}/memory.limit_in_bytes`, value: `${bytes}` },
        // Memory and swap together.
        { file: `${memory}/memory.memsw.limit_in_bytes`, value: `${bytes}`, optional: true },
      ],
    };
  }
  return 'this machine has no control groups for cpu and memory under /sys/fs/cgroup';
}

/**
 * Version 2: a group has the files of those controllers only that its parent hands on, which the root of a machine may be
 * told to do, and the root of a container may not while it holds processes. @returns why not.
 */
function delegate(controllers: readonly string[]): string | undefined {
  const lacking = (file: string) => {
    const listed = readFileSync(`${ROOT}/${file}`, 'utf8').trim().split(' ');
    return controllers.filter((controller) => !listed.includes(controller));
  };
  const absent = lacking('cgroup.controllers');
  if (absent.length > 0) return `control group ${ROOT} has no ${absent.join(' and no ')} controller`;
  const held = lacking('cgroup.subtree_control');
  if (held.length === 0) return undefined;
  try {
    writeFileSync(`${ROOT}/cgroup.subtree_control`, held.map((controller) => `+${controller}`).join(' '));
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return `control group ${ROOT} does not delegate ${held.join(' and ')} (${reason}); it needs them in cgroup.subtree_control`;
  }
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
