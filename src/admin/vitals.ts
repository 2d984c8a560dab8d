/**
 * Where every figure of the admin listener comes from: the parts of the running process, read at the moment of asking.
 * Metrics and live page both read here, so they cannot disagree.
 */
import type { Config } from '../config/config.js';
import type { Server } from '../http/server.js';
import { type LoopFigures, readLoop } from '../meter/loop-gauge.js';
import type { OwnerMeter } from '../meter/owner-meter.js';
import type { ConversionPool } from '../residents/fibonacci/conversion-pool.js';
import { digitsOf as digitsOfTerm } from '../residents/fibonacci/fibonacci.js';
import type { Terms } from '../residents/fibonacci/terms.js';
import type { OwnerHandle } from '../runtime/owner-handle.js';
import type { Rehearsal } from '../runtime/rehearsal.js';

export interface Parts {
  readonly version: string;
  readonly config: Config;
  readonly owner: OwnerHandle;
  readonly ownerMeter: OwnerMeter;
  readonly server: Server;
  /** Bound on connections to the public port. */
  readonly connectionLimit: number;
  readonly terms: Terms;
  readonly pool: ConversionPool;
  readonly mainLoop: Float64Array;
  /** Undefined when no faults may be rehearsed. */
  readonly rehearsal: Rehearsal | undefined;
}

export type Phase = 'starting' | 'serving' | 'standby' | 'away' | 'stopping';

export function phaseOf({ owner, server, terms }: Parts): Phase {
  if (server.draining) return 'stopping';
  if (owner.standby) return 'standby';
  if (owner.acknowledged === undefined) return 'starting';
  return owner.serving && terms.ready ? 'serving' : 'away';
}

export function indexOf({ owner }: Parts): number {
  return owner.acknowledged?.state ?? 0;
}

/** Decimal digits of the current term. */
export function digitsOf(parts: Parts): number {
  return digitsOfTerm(indexOf(parts));
}

/** By how much replies are ahead of the store, in steps: with gated durability never. */
export function checkpointLagOf(parts: Parts): number {
  const { acknowledged } = parts.owner;
  if (!acknowledged || parts.config.durability === 'gated') return 0;
  return Math.max(0, acknowledged.state - parts.ownerMeter.storedState);
}

let lastResidentBytes = 0;

/** Resident memory. To read it opens a file, which fails when descriptors are used up: then it is the last that was seen. */
export function residentBytes(): number {
  try {
    lastResidentBytes = process.memoryUsage.rss();
  } catch {
    // Whoever observes must not end the process.
  }
  return lastResidentBytes;
}

export interface ThreadFigures extends Partial<LoopFigures> {
  readonly thread: string;
}

/** Without the format threads: they are there for a conversion only. */
export function threadsOf({ mainLoop, ownerMeter }: Parts): ThreadFigures[] {
  return [
    { thread: 'main', ...readLoop(mainLoop) },
    { thread: 'owner', ...readLoop(ownerMeter.loop) },
  ];
}
