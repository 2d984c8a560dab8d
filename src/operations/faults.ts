/** The faults that HTTP requests to the admin address can inject, by name. Each returns a sentence that says what was done. */
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import type { FaultInjection } from './fault-injection.js';

const MAX_MS = 60_000;
const DROP_MS = 5_000;

export const FAULTS = ['crash-owner', 'hang-owner', 'slow-store', 'drop-store'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultTargets {
  readonly owner: OwnerHandle;
  readonly faults: FaultInjection;
}

export function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}

/**
 * @param ms as it came: slow-store's delay per call, drop-store's duration.
 * @returns undefined when `ms` is missing or makes no sense.
 */
export function command(
  fault: Fault,
  ms: string | null,
  { owner, faults }: FaultTargets,
): string | undefined {
  switch (fault) {
    case 'crash-owner':
      owner.crash('an injected crash');
      return 'the owner thread is ended';
    case 'hang-owner':
      faults.hangOwner();
      return 'the owner thread stops turning';
    case 'slow-store': {
      const delay = millisecondsIn(ms);
      if (delay === undefined) return undefined;
      faults.storeDelayMs = delay;
      return delay > 0 ? `the store takes ${delay} ms longer` : 'the store is as fast as before';
    }
    case 'drop-store': {
      const duration = ms === null ? DROP_MS : millisecondsIn(ms);
      if (duration === undefined) return undefined;
      faults.dropStore(duration);
      return duration > 0 ? `the store is away for ${duration} ms` : 'the store is no longer kept away';
    }
    default:
      throw new Error(`unknown fault: ${fault satisfies never}`);
  }
}

function millisecondsIn(text: string | null): number | undefined {
  if (text === null || !/^\d{1,6}$/.test(text)) return undefined;
  const ms = Number(text);
  return ms <= MAX_MS ? ms : undefined;
}
