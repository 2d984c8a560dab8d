/** What an owner thread is told at its birth: what it uses, and nothing else. */

import type { Identity } from '../../store/fence.js';
import type { ActorStoreConfig } from '../../store/open-actor-store.js';
import type { TurnLimits } from '../turn-result.js';
import type { EncoderOptions } from './reply-encoder.js';

export interface OwnerSetup {
  /** URLs of the modules whose actors are served. */
  readonly modules: readonly string[];
  readonly limits: TurnLimits;
  readonly encoder: EncoderOptions;
  readonly store: ActorStoreConfig;
  readonly durability: 'gated' | 'async';
  readonly identity: Identity;
  readonly incarnation: string;
  readonly leaseMs: number;
  readonly commitTimeoutMs: number;
  readonly storeGraceMs: number;
  readonly stateBytes: number;
  readonly groupBytes: number;
  readonly watchdogMs: number;
  /** A process whose main thread hangs for `watchdogMs` is ended. */
  readonly ownsProcess: boolean;
  /** Of the `RepairLog`. */
  readonly repairMemory: SharedArrayBuffer;
}
