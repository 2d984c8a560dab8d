/** One suite, run on each form of the decimal kernel: a form is right if this file cannot tell it from BigInt. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  createDecimalKernel,
  type DecimalKernel,
  type DigitSpan,
} from '../../../../src/residents/fibonacci/decimal-kernel.js';
import { DigitArena } from '../../../support/digit-arena.js';

const MIB = 2 ** 20;
const seed = Date.now() % 2 ** 31;
t.comment(`seed ${seed}`);

for (const prefer of ['wasm-simd', 'javascript'] as const) {
  t.test(`the ${prefer} kernel`, async (t) => suite(t, prefer));
}

function suite(t: Tap, prefer: DecimalKernel['name']): void {
  const arena = new DigitArena(MIB / 4);
  const kernel = createDecimalKernel(arena.memory, { prefer });
  const place = { aAt: 1024 + 3, bAt: 32_768 + 9, region: { start: 65_536 + 5, end: 131_072 } };
  t.equal(kernel.name, prefer);

  t.test('terms of every length from 1 to 2,000 digits are those of BigInt', async () => {
    const random = randomDigits(seed);
    for (let length = 1; length <= 2000; length += 1) {
      const start = 65_536 + (length % 61);
      const end = (start + 12 * (length + 22) + (length % 7) * 16 + 3) & ~3;
      arena.continueFrom(kernel, random(length), random(length), {
        aAt: 1024 + (length % 17),
        bAt: 32_768 + ((length * 5) % 23),
        region: { start, end },
      });
    }
  });

  t.test('operands of different lengths, the first one longer too, add up', async () => {
    const random = randomDigits(seed);
    const lengths = [
      1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 64, 100, 4096, 4100, 9000,
    ];
    for (const a of lengths) {
      for (const b of lengths) arena.continueFrom(kernel, random(a), random(b), place);
    }
    arena.continueFrom(kernel, '0', '1', place);
    arena.continueFrom(kernel, '1', '0', place);
    arena.continueFrom(kernel, '0', '0', place);
    arena.continueFrom(kernel, '2', '1', place);
    for (const length of lengths) {
      arena.continueFrom(kernel, '0', random(length), place);
      arena.continueFrom(kernel, random(length), '1', place);
    }
  });

  t.test('a carry runs through nines from any digit to any other', async () => {
    for (const width of [21, 48, 70]) {
      for (let from = 0; from < width; from += 1) {
        for (let to = from; to <= width; to += 1) {
          const nines = `${'3'.repeat(width - to)}${'9'.repeat(to - from)}${'7'.repeat(from)}`;
          const one = `1${'0'.repeat(from)}`;
          arena.continueFrom(kernel, nines, one, { ...place, region: { start: 65_536, end: 65_536 + 640 } });
        }
      }
    }
  });

  t.test('carries at the edges of blocks and chunks of a long term ripple through', async () => {
    for (const length of [15, 16, 17, 31, 32, 33, 4095, 4096, 4097, 4111, 4112, 4113, 8192, 8200, 12_289]) {
      const nines = '9'.repeat(length);
      const complement = '27'.repeat(length).slice(0, length);
      const rest = complement.replaceAll(/./g, (digit) => String(9 - Number(digit)));
      arena.continueFrom(kernel, nines, '1', place);
      arena.continueFrom(kernel, '1', nines, place);
      arena.continueFrom(kernel, nines, nines, place);
      arena.continueFrom(kernel, nines, '0', place);
      arena.continueFrom(kernel, complement, rest, place);
      arena.continueFrom(kernel, complement, `${rest.slice(0, -1)}${Number(rest.at(-1)) + 1}`, place);
      arena.continueFrom(kernel, '90'.repeat(length).slice(0, length), '9'.repeat(length - 1), place);
      arena.continueFrom(kernel, `1${'0'.repeat(length - 1)}`, nines, place);
    }
  });

  t.test('lanes of nines turn up in any of the terms of a pass, however many it computes', async () => {
    // Each of the next four terms is given a run of nines, and the two terms before it are found by going backwards.
    const random = randomDigits(seed);
    for (let round = 0; round < 600; round += 1) {
      const length = 40 + (round % 90) + (round % 2) * 300;
      const run = 8 + (round % 25);
      const at = (round * 7) % (length - run);
      const smaller = BigInt(`5${random(length - 1)}`);
      const target = BigInt(`8${random(at)}${'9'.repeat(run)}${random(length - run - at - 1)}`);
      for (let back = 0, x = smaller, y = target; back < 4 && y >= x && x > 0n; back += 1) {
        [x, y] = [y - x, x];
        for (const terms of [1, 2, 3, 6]) {
          const region = { start: 65_536, end: 65_536 + ((terms * (length + 22) + 20) & ~3) };
          arena.continueFrom(kernel, x.toString(), y.toString(), { ...place, region });
        }
      }
    }
  });

  t.test('a region is filled up to the last term that fits, and may be too small for one', async () => {
    const random = randomDigits(seed);
    let empty = 0;
    for (const length of [1, 15, 16, 20, 33, 77]) {
      const [a, b] = [random(length), random(length)];
      for (let size = 20; size < 900; size += 4) {
        const region = { start: 65_536 - size, end: 65_536 };
        if (arena.continueFrom(kernel, a, b, { ...place, region }) === 0) empty += 1;
      }
    }
    assert.ok(empty > 6, 'some regions held no term');
  });

  t.test('neither the margins nor the alignment of operands and region matter', async () => {
    const random = randomDigits(seed);
    for (let value = 0; value < 256; value += 1) {
      const [a, b] = [random(1 + (value % 50)), random(17 + (value % 50))];
      const at = { aAt: 1024 + (value % 16), bAt: 2048 + ((value >> 4) % 16) };
      const region = { start: 65_536 + (value % 37), end: 67_584 };
      arena.continueFrom(kernel, a, b, { ...at, region, poison: value });
      arena.continueFrom(kernel, a, b, { ...at, region, poison: Buffer.from('"}9:{"next"0') });
    }
  });

  t.test('terms and regions may touch the ends of the memory and each other', async () => {
    const random = randomDigits(seed);
    const end = arena.bytes.length;
    for (let length = 1; length < 200; length += 1) {
      const [a, b] = [random(length), random(length)];
      arena.continueFrom(kernel, a, b, { aAt: 0, bAt: length, region: { start: end - 4096, end } });
      arena.continueFrom(kernel, a, b, { aAt: end - length, bAt: 5, region: { start: 512, end: 8192 } });
      const bAt = end - length;
      arena.continueFrom(kernel, a, b, { aAt: 4096, bAt, region: { start: 0, end: 4096 } });
    }
  });

  t.test('random terms of up to 300,000 digits are those of BigInt', async () => {
    const large = new DigitArena(3 * MIB);
    const largeKernel = createDecimalKernel(large.memory, { prefer });
    const cases = fc.record({
      a: fc.integer({ min: 1, max: 300_000 }),
      shorter: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 299_999 })),
      terms: fc.integer({ min: 1, max: 5 }),
      shift: fc.nat({ max: 63 }),
      digits: fc.nat(),
    });
    const holds = fc.property(cases, ({ a, shorter, terms, shift, digits }) => {
      const random = randomDigits(digits);
      const start = MIB + shift;
      const end = (start + terms * (a + 21) + 35) & ~3;
      large.continueFrom(largeKernel, random(a), random(Math.max(1, a - shorter)), {
        aAt: 16 + shift,
        bAt: MIB / 2 - shift,
        region: { start, end },
      });
    });
    fc.assert(holds, { seed, numRuns: 12, endOnFailure: true });
  });

  t.test('pages that continue each other from 0, 1 reach the published F(1000) and F(10000)', async () => {
    const pages: [DigitSpan, DigitSpan] = [
      { start: 8192, end: 65_536 },
      { start: 65_536, end: 131_072 },
    ];
    const found = new Map<number, string>();
    let [a, b] = [arena.put('0', 64), arena.put('1', 128)];
    let index = 1;
    for (let page = 0; index < 10_000; page += 1) {
      const region = pages[page % 2 === 0 ? 0 : 1];
      const count = kernel.fill(a, b, region);
      assert.ok(count >= 2, 'a page holds the two terms that the next one starts from');
      for (const wanted of [1000, 10_000]) {
        const k = wanted - index - 1;
        if (k >= 0 && k < count) found.set(wanted, arena.read(arena.term(region, k)));
      }
      [a, b] = [arena.term(region, count - 2), arena.term(region, count - 1)];
      index += count;
    }
    for (const { n, length, head, tail, sha256 } of PUBLISHED) {
      const digits = found.get(n) ?? '';
      assert.equal(digits.length, length);
      assert.equal(digits.slice(0, 40), head);
      assert.equal(digits.slice(-40), tail);
      assert.equal(createHash('sha256').update(digits).digest('hex'), sha256);
    }
  });

  t.test('spans that break the rules are refused', async () => {
    const term = { start: 64, end: 96 };
    const region = { start: 1024, end: 2048 };
    const size = arena.bytes.length;
    const refused: [string, DigitSpan, DigitSpan, DigitSpan][] = [
      ['an empty term', { start: 64, end: 64 }, term, region],
      ['a reversed term', term, { start: 96, end: 64 }, region],
      ['a negative address', { start: -1, end: 64 }, term, region],
      ['a fraction', term, { start: 64.5, end: 96 }, region],
      ['no number', term, { start: Number.NaN, end: 96 }, region],
      ['a term beyond the memory', term, { start: 64, end: size + 1 }, region],
      ['a region beyond the memory', term, term, { start: 1024, end: size + 4 }],
      ['a region that ends unaligned', term, term, { start: 1024, end: 2046 }],
      ['a region without room for an entry', term, term, { start: 1024, end: 1040 }],
      ['a term inside the region', term, { start: 1500, end: 1600 }, region],
    ];
    for (const [what, a, b, r] of refused) assert.throws(() => kernel.fill(a, b, r), RangeError, what);
    assert.equal(kernel.fill(term, term, { start: 1024, end: 1044 }), 0, 'the smallest region');
  });
}

t.test('an engine without SIMD gets the plain kernel, and says so when asked for more', async (t) => {
  const url = new URL('../../../../src/residents/fibonacci/decimal-kernel.js', import.meta.url).href;
  const script = `
    const { createDecimalKernel } = await import(${JSON.stringify(url)});
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const asked = () => createDecimalKernel(memory, { prefer: 'wasm-simd' });
    let refusal = '';
    try { asked(); } catch (error) { refusal = error.message; }
    console.log(createDecimalKernel(memory).name + ': ' + refusal);`;
  // V8 has no switch for Wasm SIMD, but it needs these instruction sets for it.
  const without = ['--no-enable-ssse3', '--no-enable-sse4-1', '--no-enable-avx'];
  const run = (flags: string[]) =>
    execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    }).trim();
  t.equal(run([]), 'wasm-simd:');
  if (process.arch === 'x64') t.equal(run(without), 'javascript: this engine has no WebAssembly SIMD');
});

type Tap = Pick<typeof t, 'test' | 'equal'>;

/** Computed with Python's integers; the digits shown are those of OEIS A000045 and of every table of Fibonacci numbers. */
const PUBLISHED = [
  {
    n: 1000,
    length: 209,
    head: '4346655768693745643568852767504062580256',
    tail: '8969649928516003704476137795166849228875',
    sha256: '30ad6e2a0cbbd0a636a53ce8df4f703ece426736cf4777519f1c5cffbea2e220',
  },
  {
    n: 10_000,
    length: 2090,
    head: '3364476487643178326662161200510754331030',
    tail: '0701794976171121233066073310059947366875',
    sha256: 'e9c83559a05641cfd86d6c192c53fdfda87b8e53470b63dc19d1d0d7526e987a',
  },
];

/** Numbers without a leading zero, reproducible from a seed (mulberry32). */
function randomDigits(from: number): (length: number) => string {
  let state = from >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let v = Math.imul(state ^ (state >>> 15), state | 1);
    v ^= v + Math.imul(v ^ (v >>> 7), v | 61);
    return ((v ^ (v >>> 14)) >>> 0) % 1_000_000;
  };
  return (length) => {
    if (length === 0) return '';
    let digits = String(1 + (next() % 9));
    while (digits.length < length) digits += String(next()).padStart(6, '0');
    return digits.slice(0, length);
  };
}
