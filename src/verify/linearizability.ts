/**
 * Decides whether a history of the sequence could have come from one counter that executes each operation at one
 * instant between its start and its end: `next` moves the counter from n to n+1 and returns n+1, `current` returns n,
 * `previous` returns max(0, n-1). An ok operation took effect, a failed one did not, an unknown `next` may take effect
 * at any instant after its start, also long after its client gave up, or never. a comes before b only if a.end <
 * b.start. Time and memory are linear but for one sort of the unknown starts.
 *
 * Why the answer is exact. Let T(i) be the instant at which the counter becomes i. The history is linearizable if
 * and only if there are instants T(first+1) <= ... <= T(highest), where highest is the largest state that an ok
 * operation shows, such that
 *
 *   1. for an ok `next` that returned i:    start <= T(i) <= end
 *   2. for an ok read of the states lo..hi: T(lo) <= end and start <= T(hi+1); the read's own interval then meets the
 *      time [T(lo), T(hi+1)] in which those states stand. (lo = hi = n, save for a `previous` of 0: states 0 and 1.)
 *   3. every i that no ok `next` returned has an unknown `next` of its own, with start <= T(i)
 *
 * (Unknown ones left over never execute; reads need no order of their own, since T orders them; operations at one
 * instant execute in index order.) Rules 1 and 2 only give each T(i) a lower bound and an upper bound. For
 * non-decreasing T they can all be kept if and only if no lower bound for i exceeds an upper bound for some j >= i;
 * two operations refute a history that breaks this. If they can be kept, T(i) = the least upper bound over all j >= i
 * is one solution, and no solution has a larger T(i) anywhere. As rule 3 asks only for late T(i), the history is
 * linearizable if and only if rule 3 can be kept for these. They do not decrease, so each missing index may use all
 * unknowns that the missing ones before it may use: by Hall's theorem an assignment exists if and only if for every
 * k at least k unknowns started by the T of the k-th missing index.
 */
import type { Operation } from './history.js';
import { IndexBounds } from './index-bounds.js';
import { indexOf, sortOut, statesShown } from './sorted-history.js';
import { conflict, gap, outside, repeat, type Violation } from './violation.js';

export interface CheckOptions {
  /** The counter before the first operation. Default 0. */
  readonly initialIndex?: number;
  /** So many unknown `next`s had started before the first operation, and may take effect at any time. Default 0. */
  readonly unknownsBefore?: number;
  /** The counter as read after everything had ended. Left out: not known. */
  readonly finalIndex?: number;
}

export interface Stats {
  readonly operations: number;
  readonly nexts: number;
  readonly reads: number;
  readonly failed: number;
  readonly unknownNexts: number;
  /** Indexes that no client received, each explained by an unknown `next`. */
  readonly gaps: number;
  readonly highestIndex: number;
}

export type Verdict =
  | { readonly ok: true; readonly stats: Stats }
  | { readonly ok: false; readonly violation: Violation };

/** Throws RangeError for a record that no clock or server can have produced. */
export function checkHistory(operations: readonly Operation[], options: CheckOptions = {}): Verdict {
  const { initialIndex: initial = 0, unknownsBefore = 0 } = options;
  const sorted = sortOut(operations, options.finalIndex);
  const { nexts, reads, unknownStarts } = sorted;

  const issued = new Map<number, Operation>();
  let highest = initial;
  for (const next of nexts) {
    const index = indexOf(next);
    const twin = issued.get(index);
    if (twin !== undefined) return refuted(repeat(next, twin));
    if (index <= initial) return refuted(outside(next, initial));
    issued.set(index, next);
    highest = Math.max(highest, index);
  }
  for (const read of reads) {
    const [lowest, last] = statesShown(read);
    if (last < initial) return refuted(outside(read, initial));
    highest = Math.max(highest, lowest);
  }

  // A history that goes further than this has, up to here, more missing indexes than unknowns: it is refuted without
  // looking beyond, and an absurd index costs no memory.
  const end = Math.min(highest, initial + issued.size + unknownsBefore + unknownStarts.length + 1);
  const bounds = new IndexBounds(initial, end);
  for (const next of nexts) bounds.add(indexOf(next), indexOf(next), next);
  for (const read of reads) {
    const [lowest, last] = statesShown(read);
    bounds.add(last + 1, lowest, read);
  }
  const pair = bounds.close();
  if (pair !== null) return refuted(conflict(pair.late, pair.early));

  let gaps = 0;
  for (let index = initial + 1; index <= end; index++) {
    if (issued.has(index)) continue;
    const rank = gaps++ - unknownsBefore;
    const explanation = rank < 0 ? Number.NEGATIVE_INFINITY : unknownStarts[rank];
    if (explanation !== undefined && explanation <= bounds.latest(index)) continue;
    return refuted(gap(operations, index, gaps, bounds.latestBy(index), unknownsBefore));
  }
  return { ok: true, stats: { ...sorted.counts, gaps, highestIndex: highest } };
}

function refuted(violation: Violation): Verdict {
  return { ok: false, violation };
}
