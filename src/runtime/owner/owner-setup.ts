/** What an owner thread is told at its birth: what it uses, and nothing else. */
import type { StoreConfig } from '../../store/open-actor-store.js';
import type { TurnLimits } from '../turn-result.js';
import type { RecordLimits } from './answer-records.js';
import type { EncoderOptions } from './reply-encoder.js';

/** A built-in application that is served, with what its behavior needs to know. */
export interface ServedResident {
  readonly name: string;
  readonly settings: object;
}

export interface OwnerSetup {
  /** URLs of the modules whose actors are served. */
  readonly modules: readonly string[];
  readonly residents: readonly ServedResident[];
  readonly limits: TurnLimits;
  readonly encoder: EncoderOptions;
  readonly store: StoreConfig;
  readonly shards: number;
  /** Of a memory store. */
  readonly storeMemory: SharedArrayBuffer | undefined;
  /** 1 when the store has passed its test. */
  readonly storeTested: Int32Array;
  readonly durability: 'gated' | 'async';
  /** Random, of this process. */
  readonly incarnation: string;
  readonly leaseMs: number;
  readonly commitTimeoutMs: number;
  readonly storeGraceMs: number;
  readonly stateBytes: number;
  readonly groupBytes: number;
  readonly records: RecordLimits;
  readonly watchdogMs: number;
  /** A process whose main thread hangs for `watchdogMs` is ended. */
  readonly ownsProcess: boolean;
  /** Of each shard's `RepairLog`. */
  readonly repairMemory: readonly SharedArrayBuffer[];
  /** Of the `OwnerMeter`. */
  readonly meterMemory: SharedArrayBuffer;
  /** Of the `FaultInjection`; undefined when no faults may be injected. */
  readonly faultWords: Int32Array | undefined;
}
