/**
 * Starts the first owner thread (the worker thread that takes the turns) before the main thread loads its own modules, so that both load at the same time.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from './config/config.js';
import { OwnerMeter } from './meter/owner-meter.js';
import { FaultInjection } from './operations/fault-injection.js';
import { residentNamed } from './residents/residents.js';
import { OwnerThreads } from './runtime/front/owner-threads.js';
import type { OwnerSetup } from './runtime/owner/owner-setup.js';
import { repairMemory } from './runtime/owner/repair-log.js';
import { LARGE_BIGINT_BITS } from './runtime/owner/reply-encoder.js';
import { storeMemory } from './store/memory/memory-actor-store.js';

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;
const MEMORY_STORE_BYTES = 1024 * MIB;
/** Of each shard, at the least: some groups. */
const REPAIR_BYTES = MIB / 2;
/** A group of commits: a store does not get larger pieces than about this. */
const GROUP_BYTES = 4 * MIB;

export interface Begun {
  readonly threads: OwnerThreads;
  readonly meter: OwnerMeter;
  /** Undefined when no faults may be injected. */
  readonly faults: FaultInjection | undefined;
}

/** @param ownsProcess the process may be ended when its main thread hangs. */
export function beginOwner(config: Config, ownsProcess: boolean): Begun {
  const meter = new OwnerMeter();
  const faults = config.faults ? new FaultInjection() : undefined;
  const repairBytes =
    config.store.kind === 'redis' ? Math.max(REPAIR_BYTES, config.repairMemoryBytes / config.shards) : 0;
  const setup: OwnerSetup = {
    modules: config.modules,
    residents: config.residents.map((name) => ({ name, settings: residentNamed(name).settings(config) })),
    limits: {
      stateBytes: config.stateLimitBytes,
      replyBytes: config.replyLimitBytes,
      largeBigintBits: LARGE_BIGINT_BITS,
    },
    // No request waits for a reply that takes longer.
    encoder: { heapMb: config.formatHeapMb, timeoutMs: config.askTimeoutMs },
    store: config.store,
    shards: config.shards,
    storeMemory: config.store.kind === 'memory' ? storeMemory(MEMORY_STORE_BYTES) : undefined,
    storeTested: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    durability: config.durability,
    incarnation: randomBytes(8).toString('hex'),
    leaseMs: config.leaseMs,
    commitTimeoutMs: config.commitTimeoutMs,
    storeGraceMs: config.storeGraceMs,
    stateBytes: config.stateMemoryBytes,
    groupBytes: GROUP_BYTES,
    records: {
      keptMs: config.idempotencyHours * HOUR_MS,
      bytes: Math.ceil(config.idempotencyBytes / config.shards),
    },
    watchdogMs: config.watchdogMs,
    ownsProcess,
    repairMemory: Array.from({ length: config.shards }, () => repairMemory(repairBytes)),
    meterMemory: meter.memory,
    faultWords: faults?.words,
  };
  const threads = new OwnerThreads({ setup }, config.ownerHeapMb);
  threads.prepareSpare();
  return { threads, meter, faults };
}
