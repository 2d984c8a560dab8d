/** What every scenario is, and what it is given. */
import type { RedisOptions, RedisProcess } from '../test/support/redis-process.js';
import type { ForeignPeer, ScenarioKey } from './arguments.js';
import type { LoadTool } from './load/closed-loop.js';
import type { ScenarioResult } from './measurement.js';
import type { Teardowns } from './teardowns.js';

export interface BenchContext {
  readonly quick: boolean;
  readonly load: LoadTool;
  readonly foreign: readonly ForeignPeer[];
  /** Ends what the scenario has started, at its end or when the bench is interrupted. */
  readonly scope: Teardowns;
  /** A part of the scenario's `steps` is done; `what` is shown until the next. */
  readonly step: (what: string) => void;
  /** Undefined when there is no redis-server on the PATH. */
  readonly startRedis: (options?: RedisOptions) => Promise<RedisProcess | undefined>;
}

/** What a scenario, or a part of it, takes. */
export interface Plan {
  /** About how often it will call `step`. */
  readonly steps: number;
  /** About how long, on a small machine. */
  readonly seconds: number;
}

export function sumOf(plans: readonly Plan[]): Plan {
  return {
    steps: plans.reduce((sum, { steps }) => sum + steps, 0),
    seconds: plans.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

export interface Scenario {
  readonly key: ScenarioKey;
  readonly title: string;
  readonly plan: (context: BenchContext) => Plan;
  readonly run: (context: BenchContext) => Promise<ScenarioResult>;
}

export const NO_REDIS = 'there is no redis-server on the PATH, so nothing was measured on Redis';
