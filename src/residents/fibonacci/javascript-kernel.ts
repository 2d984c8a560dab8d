/**
 * The decimal kernel in plain JavaScript, for engines without WebAssembly SIMD. It writes the same region as the SIMD form, byte
 * for byte in digits and entries, one term per pass and four digits per step.
 *
 * Four ASCII digits are one big-endian 32-bit word. With 0x96 added to each byte, two words sum to bytes of 0xF6 + both digits: ten
 * wraps a byte, so the decimal carry is the binary carry, and the sign bit of the sum says "no carry out".
 */

const ZEROS = 0x30303030;
const BIAS = 0x96969696 | 0;

export class JavaScriptKernel {
  readonly #view: DataView;
  readonly #margin: number;

  constructor(memory: ArrayBufferLike, margin: number) {
    this.#view = new DataView(memory);
    this.#margin = margin;
  }

  fill(
    aStart: number,
    aEnd: number,
    bStart: number,
    bEnd: number,
    regionStart: number,
    regionEnd: number,
  ): number {
    const view = this.#view;
    const margin = this.#margin;
    let [xStart, xEnd, yStart, yEnd] = [aStart, aEnd, bStart, bEnd];
    let next = regionStart + margin;
    let entry = regionEnd - 4;
    let count = 0;
    view.setUint32(entry, next, true);
    for (;;) {
      const end = next + sumLength(view, xStart, xEnd, yStart, yEnd);
      if (end + margin > entry - 4) return count;
      addTerm(view, xStart, xEnd, yStart, yEnd, next, end);
      [xStart, xEnd, yStart, yEnd] = [yStart, yEnd, next, end];
      next = end + margin;
      entry -= 4;
      count += 1;
      view.setUint32(entry, next, true);
    }
  }
}

/** Digits of x + y: decided by the first pair from the top that does not sum to nine. */
function sumLength(view: DataView, xStart: number, xEnd: number, yStart: number, yEnd: number): number {
  const width = Math.max(xEnd - xStart, yEnd - yStart);
  for (let place = width; place > 0; place -= 1) {
    const sum = digitAt(view, xStart, xEnd, place) + digitAt(view, yStart, yEnd, place);
    if (sum !== 9) return sum > 9 ? width + 1 : width;
  }
  return width;
}

function addTerm(
  view: DataView,
  xStart: number,
  xEnd: number,
  yStart: number,
  yEnd: number,
  start: number,
  end: number,
): void {
  const shared = Math.min(xEnd - xStart, yEnd - yStart) & ~3;
  let carry = 0;
  let place = 4;
  for (; place <= shared; place += 4) {
    const operands = (view.getInt32(xEnd - place) + view.getInt32(yEnd - place)) | 0;
    const sum = (operands + ((BIAS + carry) | 0)) | 0;
    carry = ~sum >>> 31;
    // A byte without a carry holds 0xF6 + digit: its low half is six too high.
    const six = ((sum >>> 5) & 0x04040404) | ((sum >>> 6) & 0x02020202);
    view.setInt32(end - place, (((sum & 0x0f0f0f0f) - six) | 0) + ZEROS);
  }
  const length = end - start;
  for (place -= 3; place <= length; place += 1) {
    const sum = digitAt(view, xStart, xEnd, place) + digitAt(view, yStart, yEnd, place) + carry;
    carry = sum > 9 ? 1 : 0;
    view.setUint8(end - place, 0x30 + sum - carry * 10);
  }
}

/** The digit at a place counted from 1 at the least significant; zero above the term, so that margins are never read. */
function digitAt(view: DataView, start: number, end: number, place: number): number {
  const address = end - place;
  return address < start ? 0 : view.getUint8(address) - 0x30;
}
