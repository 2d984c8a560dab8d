/**
 * Gapless invoice numbers, one actor per series and year, such as `RE-2026`. A number is reserved first, and then confirmed or voided. A number that was
 * reserved is never given out again, so each one is open, confirmed, or in the list of voids.
 */
import { actor, refuse } from 'warren';

interface Void {
  readonly number: string;
  readonly reason: string;
  readonly at: number;
}

interface Series {
  readonly prefix: string;
  readonly width: number;
  readonly next: number;
  /** Reserved numbers, and since when. */
  readonly open: { readonly [number: string]: number };
  readonly voids: readonly Void[];
}

function without(open: Series['open'], number: string): Series['open'] {
  return Object.fromEntries(Object.entries(open).filter(([other]) => other !== number));
}

export default actor({
  name: 'invoice-numbers',
  initial: (key): Series => ({ prefix: `${key}-`, width: 5, next: 1, open: {}, voids: [] }),
  commands: {
    configure(series, { prefix, width }: { prefix: string; width: number }) {
      if (series.next > 1) return refuse('already-used', { next: series.next });
      return { state: { ...series, prefix, width } };
    },
    reserve(series, _input: undefined, { now }) {
      const number = series.prefix + String(series.next).padStart(series.width, '0');
      const open = { ...series.open, [number]: now };
      return { state: { ...series, next: series.next + 1, open }, reply: { number } };
    },
    confirm(series, { number }: { number: string }) {
      if (!Object.hasOwn(series.open, number)) return refuse('not-open', { number });
      return { state: { ...series, open: without(series.open, number) }, reply: { number } };
    },
    void(series, { number, reason }: { number: string; reason: string }, { now }) {
      if (!Object.hasOwn(series.open, number)) return refuse('not-open', { number });
      const voids = [...series.voids, { number, reason, at: now }];
      return { state: { ...series, open: without(series.open, number), voids }, reply: { number } };
    },
  },
  queries: {
    open: ({ open }) => open,
    voids: ({ voids }) => voids,
  },
});
