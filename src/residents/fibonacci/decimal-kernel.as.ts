/**
 * The additive sequence in decimal, in AssemblyScript: `fill` of `decimal-kernel.ts`, which describes the region that it writes. This
 * file owns the walk through the region: how long the next terms are, how many of them fit, and where their digits go. The digits
 * come from `decimal-addition.as.ts`.
 *
 * A term is written from its last digit to its first, and starts right behind its neighbour, so its length must be known before its
 * digits are. The eight leading digits of both operands tell it, except when the sum is within a few units of a power of ten there.
 */

import { MARGIN, addDigits, addFour, addOne, addTwo, digitAt, prepare } from './decimal-addition.as';

export { prepare };

/** Below this width, terms are added digit by digit; it also guarantees that eight leading digits can be loaded at once. */
const MIN_WIDTH: u32 = 16;

/** Up to this width, four terms per pass are faster than two. */
const MAX_FOUR_WIDTH: u32 = 256;
/**
 * Up to this width, the output of the next pass is fetched while this one is computed, worth a third of the time in memory. For
 * longer terms the processor does it by itself, as it sees where the stores go, and the lines would not stay in the first-level cache.
 */
const MAX_AHEAD_WIDTH: u32 = 5120;

/** Writes the terms after `a`, `b` into the region and returns how many fitted. */
export function fill(aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, regionStart: u32, regionEnd: u32): u32 {
  let next = regionStart + MARGIN;
  // The lowest entry so far: `next` itself, which is the first digit of a term only if that one fits.
  let entry = regionEnd - 4;
  store<u32>(entry, next);
  for (;;) {
    const width = max(aEnd - aStart, bEnd - bStart);
    let growth1: i32 = -1;
    let growth2: i32 = -1;
    let growth3: i32 = -1;
    let growth4: i32 = -1;
    // A vector load over the top digits may reach 15 bytes below a term: near address 0 there is no room for it.
    if (width >= MIN_WIDTH && aStart >= MARGIN && bStart >= MARGIN) {
      const x = leadingDigits(aStart, aEnd, width);
      const y = leadingDigits(bStart, bEnd, width);
      growth1 = growth(x + y, 2);
      growth2 = growth(x + 2 * y, 3);
      growth3 = growth(2 * x + 3 * y, 5);
      growth4 = growth(3 * x + 5 * y, 8);
    }
    if ((growth1 | growth2 | growth3 | growth4) < 0) {
      const end = next + exactLength(aStart, aEnd, bStart, bEnd, width);
      if (end + MARGIN + 4 > entry) break;
      addDigits(aStart, aEnd, bStart, bEnd, next, end);
      aStart = bStart;
      aEnd = bEnd;
      bStart = next;
      bEnd = end;
      next = end + MARGIN;
      entry -= 4;
      store<u32>(entry, next);
      continue;
    }
    const end1 = next + width + growth1;
    const end2 = end1 + MARGIN + width + growth2;
    const end3 = end2 + MARGIN + width + growth3;
    const end4 = end3 + MARGIN + width + growth4;
    if (width <= MAX_FOUR_WIDTH && end4 + MARGIN + 16 <= entry) {
      addFour(aStart, aEnd, bStart, bEnd, next, end1, end2, end3, end4);
      store<u32>(entry - 4, end1 + MARGIN);
      store<u32>(entry - 8, end2 + MARGIN);
      store<u32>(entry - 12, end3 + MARGIN);
      store<u32>(entry - 16, end4 + MARGIN);
      aStart = end2 + MARGIN;
      aEnd = end3;
      bStart = end3 + MARGIN;
      bEnd = end4;
      next = end4 + MARGIN;
      entry -= 16;
    } else if (end2 + MARGIN + 8 <= entry) {
      // A pass that ends too close to the end of the region for another one has nothing to fetch.
      const ahead = width <= MAX_AHEAD_WIDTH && end4 < regionEnd ? end2 : 0;
      addTwo(aStart, aEnd, bStart, bEnd, next, end1, end2, ahead);
      store<u32>(entry - 4, end1 + MARGIN);
      store<u32>(entry - 8, end2 + MARGIN);
      aStart = next;
      aEnd = end1;
      bStart = end1 + MARGIN;
      bEnd = end2;
      next = end2 + MARGIN;
      entry -= 8;
    } else {
      if (end1 + MARGIN + 4 > entry) break;
      addOne(aStart, aEnd, bStart, bEnd, next, end1);
      entry -= 4;
      store<u32>(entry, end1 + MARGIN);
      break;
    }
  }
  return (regionEnd - 4 - entry) >> 2;
}

/** The eight most significant of `width` digits as a number; a shorter term counts as zero-filled on the left. */
@inline
function leadingDigits(start: u32, end: u32, width: u32): u64 {
  const missing = width - (end - start);
  if (missing >= 8) return 0;
  let v = load<u64>(start - missing);
  const garbage = <u64>(missing << 3);
  v = ((v >> garbage) << garbage) & 0x0f0f0f0f0f0f0f0f;
  v = (v * 2561) >> 8;
  v = ((v & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  return ((v & 0x0000ffff0000ffff) * 42949672960001) >> 32;
}

/**
 * Does a sum whose leading digits lie in [low, low + slack) have one digit more than its widest operand? 1 yes, 0 no, -1 cannot be
 * told from eight digits. Up to four terms ahead it is never two: 3a + 5b < 10 max(a, b).
 */
@inline
function growth(low: u64, slack: u64): i32 {
  if (low >= 100000000) return 1;
  return low + slack <= 100000000 ? 0 : -1;
}

/** Digits of a + b. */
function exactLength(aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, width: u32): u32 {
  for (let place = width; place > 0; place--) {
    const sum = digitAt(aStart, aEnd, place) + digitAt(bStart, bEnd, place);
    if (sum !== 9) return sum > 9 ? width + 1 : width;
  }
  return width;
}
