/**
 * Several ways to do the same work, side by side in one process: interleaved rounds, each way beside the bare baseline of
 * the same round. What the micro benches share.
 */
import { markdown, ratio } from './report/table.js';
import { ratios, rotated, summarize } from './statistics.js';

export interface Way {
  readonly name: string;
  /** Does the work once. @returns nanoseconds per operation. */
  readonly run: () => Promise<number>;
}

/** @param ways the first of them is the baseline. */
export async function compare(
  title: string,
  unit: string,
  rounds: number,
  ways: readonly Way[],
): Promise<void> {
  const figures = new Map(ways.map((way) => [way, [] as number[]]));
  // The first round warms up and counts for nothing.
  for (let round = -1; round < rounds; round++) {
    for (const way of rotated(ways, Math.max(0, round))) {
      const nanoseconds = await way.run();
      if (round >= 0) figures.get(way)?.push(nanoseconds);
    }
  }
  const baseline = figures.get(ways[0] as Way) ?? [];
  const rows = [...figures].map(([{ name }, list]) => {
    const { median, min, max } = summarize(list);
    const against = ratios(list, baseline);
    return [
      name,
      number(median),
      `${number(min)}–${number(max)}`,
      `${ratio(against.median)} (${ratio(against.min)}–${ratio(against.max)})`,
    ];
  });
  const columns = ['way', unit, 'range', 'against the first (range)'];
  console.log(`${markdown({ title, columns, rows })}\n`);
}

function number(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
