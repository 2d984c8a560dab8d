/** What the front asks of the terms: at hand when the owner replies, and not ready while they are converted. */
import t from 'tap';
import { fibonacciPair } from '../../../../src/residents/fibonacci/fibonacci.js';
import { Terms } from '../../../../src/residents/fibonacci/terms.js';

/** Large enough to be left to the pool. */
const LARGE = 200_000;

function setUp() {
  const conversions: { index: number; signal: AbortSignal; finish: () => Promise<void> }[] = [];
  const heard: [number, boolean][] = [];
  const terms = new Terms({
    maxIndex: 1_000_000,
    smallIndex: 150_000,
    convert: (index, signal) =>
      new Promise((resolve) => {
        const finish = async () => {
          const [a, b] = fibonacciPair(index);
          resolve([`${a}`, `${b}`]);
          await new Promise(setImmediate);
        };
        conversions.push({ index, signal, finish });
      }),
    onConversion: (index, tookMs) => heard.push([index, tookMs !== undefined]),
  });
  const digits = (index: number) => {
    const span = terms.locate(index);
    return span && terms.bytes.toString('latin1', span.start, span.end);
  };
  return { terms, conversions, heard, digits };
}

t.test('from a small index on terms are at hand at once', async (t) => {
  const { terms, digits, heard, conversions } = setUp();
  t.notOk(terms.ready);
  terms.moveTo(0);
  t.ok(terms.ready);
  t.strictSame([digits(0), digits(1), digits(2), digits(1), digits(12)], ['0', '1', '1', '1', '144']);
  t.strictSame(heard, [
    [0, false],
    [0, true],
  ]);
  t.equal(conversions.length, 0);
});

t.test('the terms at a large index are converted by others, and nothing is ready meanwhile', async (t) => {
  const { terms, digits, heard, conversions } = setUp();
  terms.moveTo(LARGE);
  t.notOk(terms.ready);
  t.equal(digits(LARGE), undefined);
  t.equal(conversions[0]?.index, LARGE - 1, 'the term before it may be asked for, too');
  await conversions[0]?.finish();
  t.ok(terms.ready);
  t.equal(digits(LARGE), `${fibonacciPair(LARGE)[0]}`);
  t.equal(digits(LARGE - 1), `${fibonacciPair(LARGE - 1)[0]}`);
  t.strictSame(heard, [
    [LARGE, false],
    [LARGE, true],
  ]);
});

t.test('an owner that goes on where the last one stopped needs no conversion', async (t) => {
  const { terms, digits, heard } = setUp();
  terms.moveTo(5_000);
  digits(5_030);
  terms.moveTo(5_030);
  terms.moveTo(5_100);
  t.equal(digits(5_100), `${fibonacciPair(5_100)[0]}`);
  t.equal(heard.length, 2);
});

t.test('far away, ahead or behind, is a new beginning', async (t) => {
  const { terms, digits, conversions } = setUp();
  terms.moveTo(5_000);
  terms.moveTo(LARGE);
  t.notOk(terms.ready);
  await conversions[0]?.finish();
  t.equal(digits(LARGE), `${fibonacciPair(LARGE)[0]}`);
  terms.moveTo(100);
  t.equal(digits(100), `${fibonacciPair(100)[0]}`);
  t.equal(digits(99), `${fibonacciPair(99)[0]}`);
});

t.test('a conversion that nobody needs any more is aborted, and its result is dropped', async (t) => {
  const { terms, digits, conversions } = setUp();
  terms.moveTo(LARGE);
  terms.forget();
  t.ok(conversions[0]?.signal.aborted);
  terms.moveTo(50);
  await conversions[0]?.finish();
  t.equal(digits(50), `${fibonacciPair(50)[0]}`);
  terms.moveTo(LARGE);
  terms.moveTo(LARGE + 10);
  await conversions[1]?.finish();
  t.notOk(terms.ready, 'the older one does not count');
  await conversions[2]?.finish();
  t.equal(digits(LARGE + 10), `${fibonacciPair(LARGE + 10)[0]}`);
});

t.test('a term that is out of reach is not added up to', async (t) => {
  const { terms, digits } = setUp();
  terms.moveTo(10);
  t.equal(digits(200), `${fibonacciPair(200)[0]}`);
  const before = terms.added;
  t.equal(digits(1e9), undefined);
  t.equal(terms.added, before);
  terms.forget();
  t.equal(digits(200), undefined);
});

t.test('the larger the terms, the fewer replies are made before the event loop turns', async (t) => {
  const { terms, conversions } = setUp();
  t.ok(terms.atOnce >= 1);
  terms.moveTo(1_000);
  const small = terms.atOnce;
  terms.moveTo(900_000);
  await conversions[0]?.finish();
  t.ok(terms.atOnce >= 1 && terms.atOnce < small / 10, `${small}, then ${terms.atOnce}`);
});
