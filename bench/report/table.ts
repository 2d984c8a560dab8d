/** Tables as Markdown, which reads well in a terminal, too: columns are padded, figures stand to the right. */
import type { Measurement, Sample, Table } from '../measurement.js';
import { ratios, type Summary, spread, summarize } from '../statistics.js';

const FIGURE = /^[<≥≤±×\d.,\s–%-]+(\s?(ms|µs|MiB|s))?(\s.*)?$/;

export function markdown({ title, columns, rows }: Table): string {
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const right = columns.map((_, at) => at > 0 && rows.some((row) => FIGURE.test(row[at] ?? '')));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (right[at] ? (cells[at] ?? '').padStart(width) : (cells[at] ?? '').padEnd(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (right[at] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [`${title}:`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

/** The usual table: one row for each contestant, the first of them the baseline of all ratios. */
export function loadTable(title: string, measurements: readonly Measurement[]): Table {
  const baseline = measurements[0];
  return {
    title,
    columns: [
      'server',
      'requests/s',
      'ratio (range)',
      'p50 ms',
      'p90 ms',
      'p99 ms',
      'p99.9 ms',
      'CPU µs/request',
      'CPU ratio',
      'peak MiB',
      'errors',
    ],
    rows: measurements.map((measurement) => {
      const of = (figure: keyof Sample) => summarize(figures(measurement, figure));
      const against = (figure: keyof Sample) =>
        baseline ? ratios(figures(measurement, figure), figures(baseline, figure)) : summarize([]);
      const cpu = of('cpuMicroseconds').median;
      return [
        measurement.contestant,
        withSpread(of('requestsPerSecond')),
        withRange(against('requestsPerSecond')),
        ...(['p50', 'p90', 'p99', 'p999'] as const).map((part) => milliseconds(of(part).median)),
        Number.isNaN(cpu) ? '–' : cpu.toFixed(cpu < 100 ? 1 : 0),
        ratio(against('cpuMicroseconds').median),
        count(of('peakMemoryMb').max),
        count(figures(measurement, 'errors').reduce((sum, errors) => sum + errors, 0)),
      ];
    }),
  };
}

export function figures(measurement: Measurement, figure: keyof Sample): number[] {
  return measurement.rounds.map((round) => round[figure]);
}

/** @param decimals at most. */
export function count(value: number, decimals = 0): string {
  return Number.isNaN(value) ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: decimals });
}

export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 2 : 0)}%`;
}

export function ratio(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(value < 0.1 ? 4 : 2);
}

export function milliseconds(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

export function withSpread(summary: Summary): string {
  const { median, min, max } = summary;
  return min === max ? count(median) : `${count(median)} ±${(100 * spread(summary)).toFixed(0)}%`;
}

export function withRange({ median, min, max }: Summary): string {
  return min === max ? ratio(median) : `${ratio(median)} (${ratio(min)}–${ratio(max)})`;
}
