/** The figures of the running process that the admin listener shows. Metrics and live page both read them here, so they always agree. */
import type { Config } from '../config/config.js';
import type { Server } from '../http/server.js';
import { type LoopFigures, readLoop } from '../meter/loop-gauge.js';
import type { OwnerMeter } from '../meter/owner-meter.js';
import type { RequestMeter } from '../meter/request-meter.js';
import type { NodeFront } from '../nodes/node-front.js';
import type { ResidentFront } from '../residents/resident.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import type { FaultInjection } from './fault-injection.js';

export interface Parts {
  readonly version: string;
  readonly config: Config;
  readonly owner: OwnerHandle;
  readonly ownerMeter: OwnerMeter;
  readonly requests: RequestMeter;
  readonly server: Server;
  /** Undefined where this process is not one of several nodes. */
  readonly nodes: NodeFront | undefined;
  /** Limit on connections to the public port. */
  readonly connectionLimit: number;
  /** Whether requests are answered. */
  readonly ready: () => boolean;
  /** Built-in actors, by name. */
  readonly residents: ReadonlyMap<string, ResidentFront>;
  readonly mainLoop: Float64Array;
  /** Undefined with FAULTS=off. */
  readonly faults: FaultInjection | undefined;
}

export type Phase = 'starting' | 'serving' | 'standby' | 'away' | 'stopping';

export function phaseOf({ owner, server, nodes, ready }: Parts): Phase {
  if (server.draining || nodes?.leaving) return 'stopping';
  // A node without a shard forwards, so it serves.
  if (nodes) return ready() ? 'serving' : nodes.whole ? 'away' : 'starting';
  if (owner.standby) return 'standby';
  if (owner.epoch === 0 && !owner.serving) return 'starting';
  return owner.serving && ready() ? 'serving' : 'away';
}

/** Requests that the owner has not answered, or not got yet. */
export function pendingOf({ owner, residents }: Parts): number {
  let pending = owner.pending;
  for (const { waiting } of residents.values()) pending += waiting;
  return pending;
}

let lastResidentBytes = 0;

/** Resident memory. Reading it opens a file, which fails when descriptors are used up: then the last value is returned. */
export function residentBytes(): number {
  try {
    lastResidentBytes = process.memoryUsage.rss();
  } catch {
    // Observing must never end the process.
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
