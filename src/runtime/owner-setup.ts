/** What the main thread tells an owner thread when its reign begins. */
import type { StoreConfig } from '../store/open-store.js';
import type { Channel } from './channel.js';
import type { Acknowledged } from './protocol.js';

export interface OwnerSetup {
  readonly store: StoreConfig;
  readonly durability: 'gated' | 'async';
  /** Who this process is, see `Identity`. */
  readonly writer: string;
  readonly instance: string;
  readonly resume: Acknowledged | undefined;
  readonly initialIndex: number;
  readonly maxIndex: number;
  readonly mailboxLimit: number;
  readonly commitTimeoutMs: number;
  readonly storeGraceMs: number;
  readonly watchdogMs: number;
  readonly channel: Channel;
  /** Of the `OwnerMeter`. */
  readonly meterMemory: SharedArrayBuffer;
  /** Of the `Rehearsal`; undefined when there are none. */
  readonly rehearsal: Int32Array | undefined;
}
