/** Describes one metric. Its value is read when something scrapes. */

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface MetricRow {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => number | readonly Sample[];
}

export function counter(
  name: string,
  help: string,
  read: MetricRow['read'],
  labels: readonly string[] = [],
): MetricRow {
  return { kind: 'counter', name: `warren_${name}`, help, labels, read };
}

export function gauge(
  name: string,
  help: string,
  read: MetricRow['read'],
  labels: readonly string[] = [],
): MetricRow {
  return { kind: 'gauge', name: `warren_${name}`, help, labels, read };
}
