/** Regions of the page memory: never two over the same byte, and none lost. */
import fc from 'fast-check';
import t from 'tap';
import { PageMemory } from '../../../src/format/page-memory.js';
import type { DigitSpan } from '../../../src/sequence/decimal-kernel.js';

const KIB = 1024;

t.test('the memory is shared, of a fixed size, rounded up to 64 KiB', async (t) => {
  const { memory, bytes } = new PageMemory(100 * KIB);
  t.equal(bytes, 128 * KIB);
  t.ok(memory.buffer instanceof SharedArrayBuffer);
});

t.test('what is given back can be taken again, and only once', async (t) => {
  const memory = new PageMemory(256 * KIB);
  const first = memory.take(150 * KIB) as DigitSpan;
  t.ok(first.start >= 16, 'a vector load may reach below the first term');
  t.equal(memory.take(150 * KIB), undefined, 'no gap is large enough');
  const second = memory.take(60 * KIB) as DigitSpan;
  t.ok(second.start >= first.end);
  memory.giveBack(first);
  t.strictSame(memory.take(150 * KIB), first);
  t.throws(() => memory.giveBack({ ...second }), /was not taken/);
});

t.test('under any order of takes and returns regions stay apart and within the memory', async () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 700 * KIB }) }),
    fc.record({ giveBack: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new PageMemory(1024 * KIB);
      const held: DigitSpan[] = [];
      for (const todo of steps) {
        if ('take' in todo) {
          const region = memory.take(todo.take);
          if (!region) continue;
          if (region.end - region.start < todo.take || region.end > memory.bytes) return false;
          if (held.some(({ start, end }) => region.start < end && region.end > start)) return false;
          held.push(region);
        } else if (held.length > 0) {
          memory.giveBack(held.splice(todo.giveBack % held.length, 1)[0] as DigitSpan);
        }
      }
      if (memory.used !== held.reduce((sum, { start, end }) => sum + end - start, 0)) return false;
      for (const region of held) memory.giveBack(region);
      // Nothing is lost: all but the space below the first region can be taken at once.
      return memory.take(1023 * KIB) !== undefined;
    }),
    { numRuns: 500 },
  );
});
