/** The settings that an owner thread gets when it is created: the part of the configuration that it uses. */
import type { StoreConfig } from '../../store/open-actor-store.js';
import type { TurnLimits } from '../turn-result.js';
import type { RecordLimits } from './answer-records.js';
import type { EncoderOptions } from './reply-encoder.js';

/** A resident that is served, with the settings of its behavior. */
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
  /** The memory of a memory store; undefined for any other store. */
  readonly storeMemory: SharedArrayBuffer | undefined;
  /** One word: 1 when the store has passed its self-test. */
  readonly storeTested: Int32Array;
  readonly durability: 'gated' | 'async';
  /** The random id of this process. */
  readonly incarnation: string;
  readonly leaseMs: number;
  readonly commitTimeoutMs: number;
  readonly storeGraceMs: number;
  readonly stateBytes: number;
  readonly groupBytes: number;
  readonly records: RecordLimits;
  readonly watchdogMs: number;
  /** Whether the owner thread may kill the process when the main thread hangs for `watchdogMs`. */
  readonly ownsProcess: boolean;
  /** The memory of each shard's `RepairLog`. */
  readonly repairMemory: readonly SharedArrayBuffer[];
  /** The memory of the `OwnerMeter`. */
  readonly meterMemory: SharedArrayBuffer;
  /** The memory of the `FaultInjection`; undefined when no faults may be injected. */
  readonly faultWords: Int32Array | undefined;
}
