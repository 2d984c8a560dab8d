/** Commands to counters, closed loop, by wrk in one thread. */
import { fileURLToPath } from 'node:url';
import type { Teardowns } from '../teardowns.js';
import type { LoadResult } from './closed-loop.js';
import { runWrk } from './wrk.js';

const SCRIPT = fileURLToPath(new URL('../../../bench/load/actors.lua', import.meta.url));

export interface ActorLoad {
  readonly port: number;
  readonly connections: number;
  readonly keys: number;
  /** From this one on, one after the other; by default at random. */
  readonly first?: number;
  /** An Idempotency-Key goes with each, a new one. */
  readonly once?: boolean;
  /** Whole seconds. */
  readonly seconds: number;
}

export function loadActors(scope: Teardowns, load: ActorLoad): Promise<LoadResult> {
  const { port, connections, keys, first = -1, once = false, seconds } = load;
  const args = [`${keys}`, `${first}`, once ? '1' : '0'];
  return runWrk(scope, {
    url: `http://127.0.0.1:${port}`,
    threads: 1,
    connections,
    seconds,
    script: SCRIPT,
    args,
  });
}
