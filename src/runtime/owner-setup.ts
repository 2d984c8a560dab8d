/** What the main thread tells an owner thread at its birth, and the birth itself. */
import { Worker } from 'node:worker_threads';
import type { StoreConfig } from '../store/open-store.js';
import { type Channel, createChannel } from './channel.js';
import { OwnerThread } from './owner-thread.js';
import type { Acknowledged } from './protocol.js';

const ENTRY = new URL('../../workers/owner.js', import.meta.url);

export interface OwnerSetup {
  readonly store: StoreConfig;
  readonly durability: 'gated' | 'async';
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
  readonly vitalSigns: Int32Array;
  /** Of the `OwnerMeter`. */
  readonly meterMemory: SharedArrayBuffer;
  /** Of the `Rehearsal`; undefined when there are none. */
  readonly rehearsal: Int32Array | undefined;
}

/** @param heapMb heap limit of the thread, in MiB. */
export function spawnOwner(setup: Omit<OwnerSetup, 'channel'>, heapMb: number): OwnerThread {
  const channel = createChannel(setup.mailboxLimit);
  const worker = new Worker(ENTRY, {
    name: 'owner',
    workerData: { ...setup, channel } satisfies OwnerSetup,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 12 },
  });
  return new OwnerThread(worker, channel);
}
