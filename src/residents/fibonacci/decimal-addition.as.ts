/**
 * Addition of decimal digits in vectors, in AssemblyScript with WebAssembly SIMD: the hot loops behind `decimal-kernel.as.ts`. Terms
 * are ASCII digits on both sides, so the output is the next input and nothing is ever converted.
 *
 * Sixteen digits are one block, reversed on load so that byte 0 is the least significant digit. With 0x96 added to each byte of one
 * operand, two ASCII digits sum to 0xF6 + both digits: ten wraps the byte, a decimal carry is a binary carry, and one 64-bit lane
 * addition handles eight digits.
 *
 *   byte after the addition    0xF6..0xFF  no carry out, digit = byte + 10
 *                              0x00..0x09  carry out,    digit = byte
 *
 * The sign bit of a lane is therefore "did not carry". Each lane is added as if a carry came in, and the missing carries are
 * subtracted afterwards. That changes a lane's own carry out only if its digits sum to nines throughout: then its sum was exactly
 * zero. The fast loop collects a flag for it, and a flagged chunk is computed again by the exact loop.
 *
 * Nothing is kept in memory: the globals below belong to one instance, so each thread has its own.
 */

/** Free bytes before and after every term; a full block may be stored over the top digits of a term because of them. */
export const MARGIN: u32 = 16;

/** Digits between two looks at the flag: many enough to make the look free, few enough to make a repetition cheap. */
const CHUNK_DIGITS: u32 = 4096;

// Vector constants are globals that `prepare` writes, not literals and not initial values (which become literals): from Node 24 on,
// V8 builds a literal again in every round of a loop, which halves the speed, while a global is loaded once before it.
let backwards: v128 = i64x2.splat(0);
let bias: v128 = i64x2.splat(0);
let ten: v128 = i64x2.splat(0);
let zeroDigit: v128 = i64x2.splat(0);
let byteIndex: v128 = i64x2.splat(0);

// The last finished block of each of up to four terms in flight: its lanes' sign bits say what did not carry out.
let below1: v128 = i64x2.splat(0);
let below2: v128 = i64x2.splat(0);
let below3: v128 = i64x2.splat(0);
let below4: v128 = i64x2.splat(0);

/** Called once per instance, before anything else. */
export function prepare(): void {
  backwards = i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  // The lowest byte of each lane has one more: the carry that is assumed to come in.
  bias = i64x2.splat(0x9696969696969697);
  ten = i8x16.splat(10);
  zeroDigit = i8x16.splat(0x30);
  byteIndex = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Several terms per pass, because the operands are then read once for all of them, and the terms in between not at all. The first
// term starts at `start`, every other one a margin behind the end of its predecessor.

/** For short terms, where a pass costs more than its digits. Long ones wait for each other too much: four in a row are one chain. */
export function addFour(
  aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, start: u32, end1: u32, end2: u32, end3: u32, end4: u32,
): void {
  addTerms(4, aStart, aEnd, bStart, bEnd, start, end1, end2, end3, end4, 0);
}

/** `ahead`: where the next pass will write, to be brought into the cache meanwhile; 0 for nothing. */
export function addTwo(
  aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, start: u32, end1: u32, end2: u32, ahead: u32,
): void {
  addTerms(2, aStart, aEnd, bStart, bEnd, start, end1, end2, 0, 0, ahead);
}

export function addOne(aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, start: u32, end1: u32): void {
  addTerms(1, aStart, aEnd, bStart, bEnd, start, end1, 0, 0, 0, 0);
}

/** Adds digit by digit: for short terms, and where only the whole sum tells its length. */
export function addDigits(aStart: u32, aEnd: u32, bStart: u32, bEnd: u32, start: u32, end: u32): void {
  const length = end - start;
  let carry: u32 = 0;
  for (let place: u32 = 1; place <= length; place++) {
    const sum = digitAt(aStart, aEnd, place) + digitAt(bStart, bEnd, place) + carry;
    carry = <u32>(sum > 9);
    store<u8>(end - place, 0x30 + sum - (carry ? 10 : 0));
  }
}

/** The digit at a place counted from 1 at the least significant; zero above the term. */
@inline
export function digitAt(start: u32, end: u32, place: u32): u32 {
  return place <= end - start ? <u32>load<u8>(end - place) - 0x30 : 0;
}

/** `terms` is a literal at each call: inlining leaves one loop each for four, two and one term per pass. */
@inline
function addTerms(
  terms: i32, aStart: u32, aEnd: u32, bStart: u32, bEnd: u32,
  start: u32, end1: u32, end2: u32, end3: u32, end4: u32, ahead: u32,
): void {
  const shared = min(aEnd - aStart, bEnd - bStart) & ~15;
  const longest = terms === 4 ? end4 - end3 - MARGIN : terms === 2 ? end2 - end1 - MARGIN : end1 - start;
  below1 = i64x2.splat(-1);
  below2 = i64x2.splat(-1);
  below3 = i64x2.splat(-1);
  below4 = i64x2.splat(-1);
  let done: u32 = 0;
  while (done < shared) {
    const stop = min(done + CHUNK_DIGITS, shared);
    if (!addChunk(terms, aEnd, bEnd, end1, end2, end3, end4, ahead, done, stop)) {
      addExactly(terms, aStart, aEnd, bStart, bEnd, end1, end2, end3, end4, done, stop);
    }
    done = stop;
  }
  addExactly(terms, aStart, aEnd, bStart, bEnd, end1, end2, end3, end4, done, longest);
}

/** Adds the digits [done, stop), counted from the least significant; false: a lane of nines may have spoilt them. */
@inline
function addChunk(
  terms: i32, aEnd: u32, bEnd: u32, end1: u32, end2: u32, end3: u32, end4: u32, ahead: u32, done: u32, stop: u32,
): bool {
  const offset = bias;
  const wrap = ten;
  const zero = zeroDigit;
  let top1 = below1;
  let top2 = below2;
  let top3 = below3;
  let top4 = below4;
  let nines: v128 = i64x2.splat(0);
  const along: i32 = ahead === 0 ? 0 : -1;
  const last = -<i32>stop;
  for (let at = -<i32>done - 16; at >= last; at -= 16) {
    const x = reverse(v128.load(aEnd + at));
    const y = i8x16.add(reverse(v128.load(bEnd + at)), offset);

    const sum1 = i64x2.add(x, y);
    const exact1 = i64x2.sub(sum1, missing(top1, sum1));
    top1 = sum1;
    const digits1 = i8x16.add(i8x16.min_u(exact1, i8x16.add(exact1, wrap)), zero);
    v128.store(end1 + at, reverse(digits1));
    if (terms === 1) nines = v128.or(nines, i64x2.eq(sum1, i64x2.splat(0)));

    if (terms >= 2) {
      const sum2 = i64x2.add(y, digits1);
      const exact2 = i64x2.sub(sum2, missing(top2, sum2));
      top2 = sum2;
      const digits2 = i8x16.add(i8x16.min_u(exact2, i8x16.add(exact2, wrap)), zero);
      v128.store(end2 + at, reverse(digits2));
      nines = v128.or(nines, i64x2.eq(i8x16.min_u(sum1, sum2), i64x2.splat(0)));
      // As far into the next pass's output as this round is into its own: two blocks per round.
      if (terms === 2) load<u8>(ahead - ((at & along) << 1));

      if (terms === 4) {
        const z = i8x16.add(digits2, offset);
        const sum3 = i64x2.add(digits1, z);
        const exact3 = i64x2.sub(sum3, missing(top3, sum3));
        top3 = sum3;
        const digits3 = i8x16.add(i8x16.min_u(exact3, i8x16.add(exact3, wrap)), zero);
        v128.store(end3 + at, reverse(digits3));

        const sum4 = i64x2.add(z, digits3);
        const exact4 = i64x2.sub(sum4, missing(top4, sum4));
        top4 = sum4;
        const digits4 = i8x16.add(i8x16.min_u(exact4, i8x16.add(exact4, wrap)), zero);
        v128.store(end4 + at, reverse(digits4));
        nines = v128.or(nines, i64x2.eq(i8x16.min_u(sum3, sum4), i64x2.splat(0)));
      }
    }
  }
  if (v128.any_true(nines)) return false;
  below1 = top1;
  below2 = top2;
  below3 = top3;
  below4 = top4;
  return true;
}

/**
 * Adds the digits [done, stop) right in every case: an operand or a sum may end inside or below a block, and a carry may run
 * through lanes of nines.
 */
@inline
function addExactly(
  terms: i32, aStart: u32, aEnd: u32, bStart: u32, bEnd: u32,
  end1: u32, end2: u32, end3: u32, end4: u32, done: u32, stop: u32,
): void {
  for (; done < stop; done += 16) {
    const x = operand(aStart, aEnd, done);
    const y = operand(bStart, bEnd, done);
    const sum1 = i64x2.add(x, i8x16.add(y, bias));
    const carries1 = settled(below1, sum1);
    const digits1 = toDigits(i64x2.sub(sum1, missing(below1, carries1)));
    below1 = carries1;
    deposit(end1, done, digits1);
    if (terms >= 2) {
      const sum2 = i64x2.add(y, i8x16.add(digits1, bias));
      const carries2 = settled(below2, sum2);
      const digits2 = toDigits(i64x2.sub(sum2, missing(below2, carries2)));
      below2 = carries2;
      deposit(end2, done, digits2);
      if (terms === 4) {
        const sum3 = i64x2.add(digits1, i8x16.add(digits2, bias));
        const carries3 = settled(below3, sum3);
        const digits3 = toDigits(i64x2.sub(sum3, missing(below3, carries3)));
        below3 = carries3;
        deposit(end3, done, digits3);
        const sum4 = i64x2.add(digits2, i8x16.add(digits3, bias));
        const carries4 = settled(below4, sum4);
        const digits4 = toDigits(i64x2.sub(sum4, missing(below4, carries4)));
        below4 = carries4;
        deposit(end4, done, digits4);
      }
    }
  }
}

/** Sixteen digits from place `done` on; what lies above the term is read as zero, whatever its margin holds. */
@inline
function operand(start: u32, end: u32, done: u32): v128 {
  const left = <i32>(end - start) - <i32>done;
  if (left <= 0) return zeroDigit;
  const digits = reverse(v128.load(end - done - 16));
  if (left >= 16) return digits;
  return v128.bitselect(digits, zeroDigit, i8x16.lt_u(byteIndex, i8x16.splat(<i8>left)));
}

/**
 * A vector with the sign bits that `sum` would have, had the right carries come in. A lane of zero had nines only, so it passes on
 * what came in; two lanes take two steps.
 */
@inline
function settled(previous: v128, sum: v128): v128 {
  const nines = i64x2.eq(sum, i64x2.splat(0));
  const lower = v128.or(sum, v128.and(nines, moved(previous, sum)));
  return v128.or(sum, v128.and(nines, moved(previous, lower)));
}

@inline
function toDigits(exact: v128): v128 {
  return i8x16.add(i8x16.min_u(exact, i8x16.add(exact, ten)), zeroDigit);
}

/** Stores a block of a term. Zeroes above its top digit fall into the margin before it: no term of a pass is two digits longer. */
@inline
function deposit(end: u32, done: u32, digits: v128): void {
  v128.store(end - done - 16, reverse(digits));
}

/** The lanes moved up by one; the top one of `previous` comes in below them. */
@inline
function moved(previous: v128, current: v128): v128 {
  return v128.shuffle<u64>(previous, current, 1, 2);
}

/** 1 in each lane into which no carry comes, from blocks whose sign bits are right. */
@inline
function missing(previous: v128, current: v128): v128 {
  return i64x2.shr_u(moved(previous, current), 63);
}

/**
 * Sixteen bytes in the opposite order. The plain swizzle defines indices above 15, and V8 pays for that with an addition to the
 * order unless the order is a literal; the relaxed one is the bare machine instruction, and the same for indices up to 15.
 */
@inline
function reverse(bytes: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(bytes, backwards);
  return i8x16.swizzle(bytes, i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}
