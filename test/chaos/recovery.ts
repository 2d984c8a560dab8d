/**
 * How long clients were left without a good answer after a fault was mended, from the history alone: the longest silence that
 * began between the fault's start and shortly after its end, as far as it reached beyond the end.
 */
import type { Operation } from '../support/history.js';
import type { FaultRecord } from './faults.js';

/** An owner dies a little after the signal, and a cut is noticed a little after it. */
const EFFECT_MS = 100;

export interface RecoveryTimes {
  readonly times: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

export function recoveryTimes(
  operations: readonly Operation[],
  timeline: readonly FaultRecord[],
): Map<string, RecoveryTimes> {
  const answeredAt = Float64Array.from(
    operations.filter(({ outcome }) => outcome === 'ok').map(({ end }) => end),
  ).sort();
  const byKind = new Map<string, number[]>();
  for (const { kind, startedAt, mendedAt } of timeline) {
    const times = byKind.get(kind) ?? [];
    times.push(silenceAfter(answeredAt, startedAt, mendedAt));
    byKind.set(kind, times);
  }
  return new Map([...byKind].map(([kind, times]) => [kind, summary(times)]));
}

function silenceAfter(answeredAt: Float64Array, startedAt: number, mendedAt: number): number {
  let longest = 0;
  for (let at = firstAfter(answeredAt, startedAt); at < answeredAt.length; at++) {
    const began = Math.max(answeredAt[at - 1] ?? startedAt, startedAt);
    if (began > mendedAt + EFFECT_MS) break;
    longest = Math.max(longest, (answeredAt[at] as number) - Math.max(began, mendedAt));
  }
  return longest;
}

function firstAfter(sorted: Float64Array, instant: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

function summary(times: number[]): RecoveryTimes {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    times: sorted.length,
    medianMs: sorted[sorted.length >> 1] as number,
    maxMs: sorted.at(-1) as number,
  };
}
