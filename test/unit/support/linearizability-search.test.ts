/**
 * The fast checker against a search through every order, on random small histories of three sorts: forged ones, which
 * are mostly wrong; those of a real counter, which are never wrong; and those of a real counter with a few records
 * changed, which are wrong by little. `SEED=n` repeats a run.
 */
import fc from 'fast-check';
import t from 'tap';
import type { Kind } from '../../../src/verify/subject.js';
import { isLinearizable } from '../../support/exhaustive-search.js';
import type { Operation } from '../../support/history.js';
import { checkHistory } from '../../support/linearizability.js';

const RUNS = 20_000;
const { SEED } = process.env;
const seed = SEED === undefined ? Date.now() % 2 ** 31 : Number(SEED);
t.comment(`seed ${seed}`);

const kind = fc.constantFrom<Kind>('next', 'next', 'current', 'previous');
const outcome = fc.constantFrom<Operation['outcome']>('ok', 'ok', 'ok', 'ok', 'unknown', 'failed');
const small = (most: number) => fc.integer({ min: 0, max: most });

const forged = fc.record({
  initialIndex: small(2),
  finalIndex: fc.option(small(5), { nil: undefined, freq: 3 }),
  operations: fc.array(
    fc
      .tuple(kind, outcome, small(12), small(8), small(4))
      .map(([kind, outcome, start, length, index]) => record(kind, outcome, start, start + length, index)),
    { minLength: 1, maxLength: 7 },
  ),
});

/** Each operation executes at its instant; the client sees an interval around it, and perhaps no outcome. */
const genuine = fc
  .record({
    initialIndex: small(2),
    steps: fc.array(
      fc.record({
        kind,
        outcome,
        instant: small(20),
        before: small(6),
        after: small(6),
        executed: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    tellFinal: fc.boolean(),
  })
  .map(({ initialIndex, steps, tellFinal }) => {
    let state = initialIndex;
    const operations = steps
      .toSorted((a, b) => a.instant - b.instant)
      .map(({ kind, outcome, instant, before, after, executed }) => {
        if (kind === 'next' && (outcome === 'ok' || (outcome === 'unknown' && executed))) state++;
        const shown = kind === 'previous' ? Math.max(0, state - 1) : state;
        const start = instant - before;
        // The client of an unknown one may have given up before the instant.
        const end = outcome === 'unknown' ? start + after : instant + after;
        return record(kind, outcome, start, end, shown);
      });
    return { initialIndex, finalIndex: tellFinal ? state : undefined, operations };
  });

const damaged = fc
  .tuple(
    genuine,
    fc.array(fc.record({ at: small(7), what: small(4), by: fc.constantFrom(-2, -1, 1, 2, 5) }), {
      minLength: 1,
      maxLength: 2,
    }),
  )
  .map(([history, damages]) => {
    const operations = [...history.operations];
    for (const { at, what, by } of damages) {
      const victim = operations[at % operations.length];
      if (victim === undefined) continue;
      operations[at % operations.length] = damage(victim, what, by);
    }
    return { ...history, operations };
  });

t.test('a genuine history is always accepted', async (t) => {
  const accepted = compare(genuine);
  t.equal(accepted, RUNS);
});

t.test('on forged histories the checker agrees with the search', async (t) => {
  const accepted = compare(forged);
  t.comment(`${accepted} of ${RUNS} accepted`);
  t.ok(accepted > RUNS / 50 && accepted < RUNS, 'both verdicts came up often');
});

t.test('on damaged histories the checker agrees with the search', async (t) => {
  const accepted = compare(damaged);
  t.comment(`${accepted} of ${RUNS} accepted`);
  t.ok(accepted > RUNS / 10 && accepted < (RUNS * 9) / 10, 'both verdicts came up often');
});

interface Small {
  readonly initialIndex: number;
  readonly finalIndex: number | undefined;
  readonly operations: Operation[];
}

/** Returns how many were accepted; throws at the first disagreement, with the smallest such history. */
function compare(histories: fc.Arbitrary<Small>): number {
  let accepted = 0;
  const agree = fc.property(histories, ({ operations, initialIndex, finalIndex }) => {
    const options = { initialIndex, ...(finalIndex === undefined ? {} : { finalIndex }) };
    const verdict = checkHistory(operations, options);
    if (verdict.ok) accepted++;
    if (verdict.ok !== isLinearizable(operations, options)) return false;
    return verdict.ok || isRefutation(verdict.violation, initialIndex);
  });
  fc.assert(agree, { seed, numRuns: RUNS });
  return accepted;
}

/** Two operations that contradict each other do so in any company, even among unknowns that explain every gap. */
function isRefutation(
  violation: { kind: string; operations: readonly Operation[] },
  initialIndex: number,
): boolean {
  if (violation.kind === 'gap' || violation.kind === 'from-the-future') return true;
  const unknowns = Array.from({ length: 8 }, () => record('next', 'unknown', -100, -100, 0));
  return (
    violation.operations.length <= 2 &&
    !isLinearizable([...violation.operations, ...unknowns], { initialIndex })
  );
}

function damage(victim: Operation, what: number, by: number): Operation {
  const { kind, outcome, start, end, index = 0 } = victim;
  if (what === 0) return record(kind, outcome, start + by, end + by, index);
  if (what === 1) return record(kind, outcome, Math.min(start + by, end), end, index);
  if (what === 2) return record(kind, 'failed', start, end, index);
  if (what === 3) return record(kind, 'unknown', start, end, index);
  return record(kind, outcome, start, end, Math.max(0, index + by));
}

function record(
  kind: Kind,
  outcome: Operation['outcome'],
  start: number,
  end: number,
  index: number,
): Operation {
  return outcome === 'ok' ? { kind, outcome, start, end, index } : { kind, outcome, start, end };
}
