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
  t.test(`a page that starts at F(${first}), and the page that continues it, are exact`, async (t) => {
    const region = { start: 64, end: 128 * KIB };
    const count = render({ kind: 'jump', first, region }, kernel, memory);
    t.ok(count > 50, `${count} terms`);
    const page = new Page(first, count, region, words);
    t.strictSame(wrongTerms(page), []);
    t.ok(page.startOf(first) >= region.start + TERM_MARGIN, 'there is room for JSON before the first term');

    const next = { start: 256 * KIB, end: 384 * KIB };
    const [a, b] = [page.digits(page.end - 2), page.digits(page.end - 1)];
    const more = render({ kind: 'continue', a, b, region: next }, kernel, memory);
    const second = new Page(page.end, more, next, words);
    t.ok(second.has(page.end) && !second.has(page.end - 1) && !page.has(page.end));
    t.strictSame(wrongTerms(second), []);
  });
}

t.test(
  'a region that cannot hold the first two terms is refused, and nothing outside it is written',
  async (t) => {
    bytes.fill(0xa5);
    const region = { start: 64, end: 64 + KIB };
    t.throws(
      () => render({ kind: 'jump', first: 5_000, region }, kernel, memory),
      /no room for its first two terms/,
    );
    t.ok(bytes.subarray(0, 64).every((byte) => byte === 0xa5));
    t.ok(bytes.subarray(64 + KIB).every((byte) => byte === 0xa5));
  },
);
