/** What a format thread does with a task: pages that start anywhere, and pages that continue them. */
import t from 'tap';
import { Page } from '../../../src/format/page.js';
import { render } from '../../../src/format/render.js';
import { createDecimalKernel, TERM_MARGIN } from '../../../src/sequence/decimal-kernel.js';
import { FibonacciOracle } from '../../support/fibonacci-oracle.js';

const KIB = 1024;
const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
const bytes = Buffer.from(memory.buffer);
const words = new Uint32Array(memory.buffer);
const kernel = createDecimalKernel(memory);
const oracle = new FibonacciOracle();

function wrongTerms(page: Page): number[] {
  const indexes = Array.from({ length: page.count }, (_, k) => page.first + k);
  return indexes.filter((index) => {
    const digits = bytes.toString('latin1', page.startOf(index), page.endOf(index));
    return digits !== oracle.digits(index);
  });
}

for (const first of [0, 1, 2, 92, 93, 94, 5_000]) {
  t.test(`pages that start at F(${first}), and those that continue them, are exact`, async (t) => {
    const regions = [
      { start: 64, end: 96 * KIB },
      { start: 96 * KIB, end: 128 * KIB },
    ];
    const counts = new Int32Array(new SharedArrayBuffer(16));
    render({ from: first, regions, counts }, kernel, memory);
    const pages: Page[] = [];
    for (const [at, region] of regions.entries()) {
      const start = pages.at(-1)?.end ?? first;
      pages.push(new Page(start, counts[at] as number, region, words));
    }
    const [one, two] = pages as [Page, Page];
    t.ok(one.count > 25 && two.count > 10, `${one.count} and ${two.count} terms`);
    t.equal(counts[2], 0);
    t.strictSame(pages.flatMap(wrongTerms), []);
    t.ok(
      one.startOf(first) >= one.region.start + TERM_MARGIN,
      'there is room for JSON before the first term',
    );

    const third = { start: 256 * KIB, end: 384 * KIB };
    const from = [two.digits(two.end - 2), two.digits(two.end - 1)] as const;
    render({ from, regions: [third], counts }, kernel, memory);
    const more = new Page(two.end, counts[0] as number, third, words);
    t.ok(more.has(two.end) && !more.has(two.end - 1) && !two.has(two.end));
    t.strictSame(wrongTerms(more), []);
  });
}

t.test('pages that are there are told of, although one after them fails', async (t) => {
  const counts = new Int32Array(new SharedArrayBuffer(16));
  const regions = [
    { start: 64, end: 64 * KIB },
    { start: 64 * KIB, end: 64 * KIB + 256 },
  ];
  t.throws(() => render({ from: 5_000, regions, counts }, kernel, memory), /a page of 0 terms/);
  t.ok((counts[0] as number) > 25);
  t.equal(counts[1], 0);
});

t.test(
  'a region that cannot hold the first two terms is refused, and nothing outside it is written',
  async (t) => {
    bytes.fill(0xa5);
    const region = { start: 64, end: 64 + KIB };
    t.throws(
      () => render({ from: 5_000, regions: [region], counts: new Int32Array(1) }, kernel, memory),
      /no room for its first two terms/,
    );
    t.ok(bytes.subarray(0, 64).every((byte) => byte === 0xa5));
    t.ok(bytes.subarray(64 + KIB).every((byte) => byte === 0xa5));
  },
);
