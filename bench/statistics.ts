/**
 * What the figures of several rounds say together. Rounds are interleaved, so what disturbs the machine for a while
 * disturbs all contestants; ratios are therefore taken within each round first, and only then summed up.
 */

/** Middle and extremes of some figures: n is small, so the whole range is the honest spread. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaNs (a figure that a round did not yield) are left out; without any figure all members are NaN. */
export function summarize(figures: readonly number[]): Summary {
  const sorted = figures.filter((figure) => !Number.isNaN(figure)).sort((a, b) => a - b);
  if (sorted.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
  return { median, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** Half of the range, as a part of the median: 0.05 means that all rounds lie within about ±5%. */
export function spread({ median, min, max }: Summary): number {
  return median === 0 ? 0 : (max - min) / 2 / median;
}

/** The ratio of each round's figure to the baseline's of the same round; a round that either lacks does not count. */
export function ratios(figures: readonly number[], baseline: readonly number[]): Summary {
  const rounds = Math.min(figures.length, baseline.length);
  return summarize(
    Array.from({ length: rounds }, (_, round) => {
      const below = baseline[round] as number;
      return below === 0 ? Number.NaN : (figures[round] as number) / below;
    }),
  );
}

/** The order of contestants in a round: each begins once, so that none always runs on a warm or a throttled machine. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  if (items.length === 0) return [];
  const first = round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
