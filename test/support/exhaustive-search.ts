/**
 * Linearizability by definition: tries every order of a small history's operations that respects real time and
 * executes it on a counter. Exponential, and kept apart from the fast checker on purpose: it shares no reasoning with
 * it and serves to test it.
 */
import type { Operation } from './history.js';
import type { CheckOptions } from './linearizability.js';

const MOST_OPERATIONS = 16;

export function isLinearizable(operations: readonly Operation[], options: CheckOptions = {}): boolean {
  if (operations.length > MOST_OPERATIONS) throw new RangeError('too many operations to try every order');
  const { initialIndex = 0, finalIndex } = options;
  // Which operations are done decides the state of the counter, so each set needs to be visited only once.
  const visited = new Set<number>();

  const search = (done: number, state: number): boolean => {
    if (visited.has(done)) return false;
    visited.add(done);
    const pending = operations.filter((one, at) => one.outcome !== 'failed' && (done & (1 << at)) === 0);
    const acknowledged = pending.filter(({ outcome }) => outcome === 'ok');
    if (acknowledged.length === 0 && (finalIndex === undefined || finalIndex === state)) return true;
    return operations.some((one, at) => {
      if (!pending.includes(one)) return false;
      // One that is acknowledged has to come before all that started after its end; an unknown one has no end.
      if (acknowledged.some(({ end }) => end < one.start)) return false;
      const after = one.kind === 'next' ? state + 1 : state;
      const reply = one.kind === 'previous' ? Math.max(0, state - 1) : after;
      return (one.outcome === 'unknown' || one.index === reply) && search(done | (1 << at), after);
    });
  };
  return search(0, initialIndex);
}
