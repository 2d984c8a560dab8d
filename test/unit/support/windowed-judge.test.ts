/** The verdict in windows is the verdict over everything, and nothing of a window that was judged is kept. */
import t from 'tap';
import type { Operation } from '../../../src/verify/history.js';
import { checkHistory } from '../../../src/verify/linearizability.js';
import { SeededRandom } from '../../../src/verify/seeded-random.js';
import { WindowedJudge } from '../../../src/verify/windowed-judge.js';

const WINDOW = 5;
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A counter that clients ask one after the other, and that forgets, skips or repeats when it is told to. */
class Counter {
  index = 0;
  #now = 0;

  next(): Operation {
    this.index += 1;
    return { kind: 'next', ...this.#interval(), outcome: 'ok', index: this.index };
  }

  unknown(): Operation {
    return { kind: 'next', ...this.#interval(), outcome: 'unknown' };
  }

  current(index = this.index): Operation {
    return { kind: 'current', ...this.#interval(), outcome: 'ok', index };
  }

  #interval(): { start: number; end: number } {
    this.#now += 2;
    return { start: this.#now, end: this.#now + 1 };
  }
}

function judgeOf(counter: Counter, read: () => number | undefined = () => counter.index, shared = false) {
  let refuted = 0;
  const judge = new WindowedJudge({
    firstIndex: 0,
    shared,
    windowOperations: WINDOW,
    readIndex: async () => read(),
    isOver: () => false,
    onRefuted: () => {
      refuted += 1;
    },
  });
  const feed = async (operation: Operation) => {
    for (let gate = judge.gate(); gate; gate = judge.gate()) await gate;
    judge.begin();
    judge.end(operation);
  };
  return { judge, feed, refuted: () => refuted };
}

t.test('a long recording is judged in windows, and the figures are those of all of it', async (t) => {
  const counter = new Counter();
  const { judge, feed } = judgeOf(counter);
  for (let times = 0; times < 50; times++) {
    await feed(counter.next());
    await feed(counter.current());
  }
  t.match(judge.verdict(counter.index), {
    ok: true,
    stats: { nexts: 50, reads: 50, gaps: 0, highestIndex: 50 },
  });
  t.ok(judge.windows >= 100 / WINDOW);
});

t.test('an unknown next may take effect windows later, but only once', async (t) => {
  for (const [skips, ok] of [
    [1, true],
    [2, false],
  ] as const) {
    const counter = new Counter();
    const { judge, feed } = judgeOf(counter);
    await feed(counter.unknown());
    for (let times = 0; times < 3 * WINDOW; times++) await feed(counter.next());
    for (let times = 0; times < skips; times++) {
      counter.index += 1;
      await feed(counter.next());
      for (let more = 0; more < 2 * WINDOW; more++) await feed(counter.next());
    }
    t.equal(judge.verdict(counter.index).ok, ok, `${skips} numbers received by nobody`);
  }
});

t.test('a number from a window before is a repeat, and ends the trial', async (t) => {
  const counter = new Counter();
  const { judge, feed, refuted } = judgeOf(counter);
  for (let times = 0; times < 2 * WINDOW; times++) await feed(counter.next());
  const { index } = counter;
  counter.index = 2;
  await feed(counter.next());
  counter.index = index;
  for (let times = 0; times < WINDOW; times++) await feed(counter.next());
  t.match(judge.verdict(counter.index), { ok: false, violation: { kind: 'repeat' } });
  t.equal(refuted(), 1);
});

t.test('while the index cannot be read the window grows, and nothing of it is lost', async (t) => {
  const counter = new Counter();
  let reads = 0;
  const { judge, feed } = judgeOf(counter, () => (++reads % 3 === 0 ? counter.index : undefined));
  for (let times = 0; times < 10 * WINDOW; times++) await feed(counter.next());
  t.match(judge.verdict(undefined), { ok: true, stats: { nexts: 10 * WINDOW } });
  t.ok(judge.windows > 1);
});

t.test('what others have taken is theirs in each window, and excuses no repeat', async (t) => {
  const counter = new Counter();
  const { judge, feed } = judgeOf(counter, () => counter.index, true);
  for (let times = 0; times < 4 * WINDOW; times++) {
    counter.index += 3;
    await feed(counter.next());
  }
  t.match(judge.verdict(counter.index), { ok: true, stats: { gaps: 3 * 4 * WINDOW } });
});

t.test(`windows and the whole agree on random recordings (SEED=${SEED})`, async (t) => {
  const random = new SeededRandom(SEED);
  let refutations = 0;
  for (let round = 0; round < 300; round++) {
    const counter = new Counter();
    const { judge, feed } = judgeOf(counter);
    const all: Operation[] = [];
    const flawAt = random.between(0, 60);
    for (let step = 0; step < 30; step++) {
      const kind = random.weighted({ next: 5, current: 3, unknown: 2 });
      // An unknown next takes effect at once, later or never.
      if (kind === 'unknown' && random.next() < 0.5) counter.index += 1;
      if (step === flawAt) counter.index += random.between(-2, 2);
      if (counter.index < 0) counter.index = 0;
      const operation = counter[kind]();
      all.push(operation);
      await feed(operation);
    }
    const whole = checkHistory(all, { initialIndex: 0, finalIndex: counter.index });
    const inWindows = judge.verdict(counter.index);
    if (!whole.ok) refutations += 1;
    // The reads between two windows say more than the clients do: windows may refute what the clients alone could not see.
    if (!whole.ok) t.notOk(inWindows.ok, `round ${round}`);
    if (flawAt >= 30) t.ok(inWindows.ok && whole.ok, `round ${round}`);
  }
  t.ok(refutations > 10);
});
