/** The ring of terms: each term exact, and at hand as long as it may be asked for. */
import t from 'tap';
import { fibonacciPair } from '../../../../src/residents/fibonacci/fibonacci.js';
import { TermRing } from '../../../../src/residents/fibonacci/term-ring.js';

function ringAt(first: number, maxIndex = first + 10_000): TermRing {
  const ring = new TermRing(maxIndex);
  const [a, b] = fibonacciPair(first);
  ring.begin(first, `${a}`, `${b}`);
  return ring;
}

function digitsIn(ring: TermRing, index: number): string | undefined {
  const region = ring.find(index);
  return region && ring.bytes.toString('latin1', region.startOf(index), region.endOf(index));
}

for (const [first, steps] of [
  [0, 3_000],
  [1, 100],
  [92, 100],
  // 10,000 digits and more: the number of terms in a region falls from 32 to 2.
  [47_800, 300],
  [600_000, 6],
  // A margin's width around a power of ten of digits.
  [4_780, 200],
] as const) {
  t.test(`from F(${first}) on every term is exact, and so is the one before it`, async (t) => {
    const ring = ringAt(first);
    let [before, now] = fibonacciPair(first);
    const wrong: number[] = [];
    for (let index = first + 1; index <= first + steps; index++) {
      while (index >= ring.end) ring.addMore();
      if (digitsIn(ring, index) !== `${now}` || digitsIn(ring, index - 1) !== `${before}`) wrong.push(index);
      [before, now] = [now, before + now];
    }
    t.strictSame(wrong, []);
  });
}

t.test('what was not added yet, and what is gone, is not found', async (t) => {
  const ring = ringAt(100);
  t.equal(ring.end, 102);
  t.equal(ring.find(102), undefined);
  t.equal(ring.find(99), undefined);
  for (let times = 0; times < 3; times++) ring.addMore();
  t.equal(ring.find(100), undefined);
  t.ok(ring.find(ring.end - 1));
});

t.test('a new beginning forgets the terms before it', async (t) => {
  const ring = ringAt(1_000);
  ring.addMore();
  ring.begin(10, '55', '89');
  t.strictSame([digitsIn(ring, 10), digitsIn(ring, 11)], ['55', '89']);
  t.equal(ring.find(1_001), undefined);
  ring.addMore();
  t.equal(digitsIn(ring, 12), '144');
});

t.test('there is room for two terms of the largest index, and for those behind it', async (t) => {
  const maxIndex = 3_000_000;
  const ring = new TermRing(maxIndex);
  // Digits of the right number: to convert the real ones would take seconds.
  const [a, b] = ['4'.repeat(626_963), '6'.repeat(626_964)];
  ring.begin(maxIndex - 1, a, b);
  ring.addMore();
  ring.addMore();
  t.ok(ring.end >= maxIndex + 5);
  t.equal(ring.digits, digitsIn(ring, ring.end - 1)?.length);
});

t.test('regions stay small while terms are small', async (t) => {
  const ring = ringAt(0, 20_000_000);
  let largest = 0;
  while (ring.end < 20_000) {
    const first = ring.end;
    ring.addMore();
    const region = ring.find(first);
    if (region) largest = Math.max(largest, region.endOf(ring.end - 1) - region.startOf(first));
  }
  t.ok(largest < 256 * 1024, `${largest} bytes`);
  t.equal(digitsIn(ring, 20_000), `${fibonacciPair(20_000)[0]}`);
});
