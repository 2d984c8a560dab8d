/**
 * Sorts the records of a history into what they prove about the counter: acknowledged `next`s, reads, and the starts of
 * unknown `next`s in ascending order. Failed operations and unknown reads prove nothing. A known final state becomes one
 * more read, after all others.
 */
import type { Operation } from './history.js';

export interface SortedHistory {
  readonly nexts: readonly Operation[];
  readonly reads: readonly Operation[];
  readonly unknownStarts: Float64Array;
  readonly counts: {
    readonly operations: number;
    readonly nexts: number;
    readonly reads: number;
    readonly failed: number;
    readonly unknownNexts: number;
  };
}

export function sortOut(operations: readonly Operation[], finalIndex: number | undefined): SortedHistory {
  const nexts: Operation[] = [];
  const reads: Operation[] = [];
  const unknownStarts: number[] = [];
  let failed = 0;
  let lastInstant = 0;
  for (const operation of operations) {
    checkRecord(operation);
    lastInstant = Math.max(lastInstant, operation.start, operation.end);
    if (operation.outcome === 'failed') failed++;
    else if (operation.outcome === 'ok') (operation.kind === 'next' ? nexts : reads).push(operation);
    else if (operation.kind === 'next') unknownStarts.push(operation.start);
  }
  const counts = {
    operations: operations.length,
    nexts: nexts.length,
    reads: reads.length,
    failed,
    unknownNexts: unknownStarts.length,
  };
  if (finalIndex !== undefined) {
    const instant = lastInstant + 1;
    reads.push({ kind: 'current', start: instant, end: instant, outcome: 'ok', index: finalIndex });
  }
  return { nexts, reads, unknownStarts: Float64Array.from(unknownStarts).sort(), counts };
}

export function indexOf(operation: Operation): number {
  if (operation.index === undefined) throw new RangeError('an acknowledged operation has an index');
  return operation.index;
}

/** The states that an ok read may have seen, the lowest and the highest. */
export function statesShown(read: Operation): readonly [lowest: number, highest: number] {
  const index = indexOf(read);
  if (read.kind !== 'previous') return [index, index];
  // Both 0 and 1 are preceded by 0: the sequence has no number before its first.
  return index === 0 ? [0, 1] : [index + 1, index + 1];
}

function checkRecord(operation: Operation): void {
  const { start, end, outcome, index } = operation;
  const timesMakeSense = Number.isFinite(start) && Number.isFinite(end) && start <= end;
  const indexMakesSense = outcome !== 'ok' || (Number.isSafeInteger(index) && (index ?? -1) >= 0);
  if (!timesMakeSense || !indexMakesSense) {
    throw new RangeError(`not a record of an operation: ${JSON.stringify(operation)}`);
  }
}
