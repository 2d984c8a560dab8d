/**
 * Explains why a history was refuted, with as few operations as possible. Called once, after the verdict: it decides
 * nothing.
 */
import type { Operation } from './history.js';
import { indexOf, statesShown } from './sorted-history.js';

export interface Violation {
  /**
   * repeat: a number handed out twice. order: a smaller number after a larger one. gap: a number that nobody received
   * and that no unknown `next` can have taken. stale-read: a state that was over. from-the-future: a state that could
   * not be yet.
   */
  readonly kind: 'repeat' | 'gap' | 'stale-read' | 'from-the-future' | 'order';
  readonly message: string;
  /** The operations that show it, in the order of their starts. */
  readonly operations: readonly Operation[];
}

export function repeat(one: Operation, other: Operation): Violation {
  return violation('repeat', [one, other], `${tell(one)} and ${tell(other)} handed out the same number`);
}

/** An operation that shows a state, or hands out a number, from before the history began. */
export function outside(operation: Operation, initial: number): Violation {
  const kind = operation.kind === 'next' ? 'repeat' : 'stale-read';
  return violation(kind, [operation], `${tell(operation)}, but the history began at ${initial}`);
}

/** `late` started after `early` had ended, and yet shows or makes a state that must have come before. */
export function conflict(late: Operation, early: Operation): Violation {
  const text = `${tell(late)} started after ${tell(early)} had ended`;
  if (late.kind !== 'next') return violation('stale-read', [early, late], `a state that was over: ${text}`);
  if (early.kind === 'next') return violation('order', [early, late], `a smaller number later: ${text}`);
  return violation('from-the-future', [early, late], `a state that was not yet: ${text}`);
}

/**
 * `missing` is the `rank`-th index that nobody received, and fewer than `rank` unknown `next`s had started when `proof`
 * ended, which shows a state at or beyond it. When the acknowledged numbers alone would have left the unknowns time
 * enough, a read is to blame: it saw the state too early.
 */
export function gap(
  operations: readonly Operation[],
  missing: number,
  rank: number,
  proof: Operation,
  unknownsBefore: number,
): Violation {
  let before: Operation | undefined;
  let tooLate: Operation | undefined;
  let acknowledged: Operation | undefined;
  for (const operation of operations) {
    if (operation.kind !== 'next' || operation.outcome === 'failed') continue;
    if (operation.outcome === 'unknown') {
      if (operation.start <= proof.end) continue;
      if (tooLate === undefined || operation.start < tooLate.start) tooLate = operation;
    } else if (indexOf(operation) > missing) {
      if (acknowledged === undefined || operation.end < acknowledged.end) acknowledged = operation;
    } else if (before === undefined || indexOf(operation) > indexOf(before)) {
      before = operation;
    }
  }
  const startedBy = (instant: number) =>
    unknownsBefore +
    operations.filter((one) => one.kind === 'next' && one.outcome === 'unknown' && one.start <= instant)
      .length;
  const tooEarly = acknowledged === undefined || startedBy(acknowledged.end) >= rank;
  const message =
    `${tell(proof)}, but ${rank} numbers up to ${missing} were received by nobody, and of the unknown nexts that ` +
    `could explain them ${startedBy(proof.end)} had started when it ended`;
  const witnesses = [before, proof, tooLate].filter((operation) => operation !== undefined);
  return violation(tooEarly ? 'from-the-future' : 'gap', witnesses, message);
}

function violation(kind: Violation['kind'], operations: readonly Operation[], message: string): Violation {
  return { kind, message, operations: operations.toSorted((a, b) => a.start - b.start) };
}

function tell(operation: Operation): string {
  const { kind, start, end, outcome } = operation;
  const when = `[${start.toFixed(3)}, ${end.toFixed(3)}]`;
  if (outcome !== 'ok') return `${kind} ${when} (${outcome})`;
  if (kind === 'next') return `next ${when} = ${operation.index}`;
  const [lowest, highest] = statesShown(operation);
  return `${kind} ${when} at state ${lowest === highest ? lowest : `${lowest} or ${highest}`}`;
}
