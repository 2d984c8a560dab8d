/**
 * Bars over measurements: a contestant's median ratio to a baseline of the same rounds. A failed answer is quickly
 * given, so figures with errors among them meet no bar.
 */
import type { Bar, Measurement, Sample } from './measurement.js';
import { count, figures } from './report/table.js';
import { ratios, type Summary } from './statistics.js';

export function measured(
  measurements: readonly Measurement[],
  contestant: { readonly name: string },
  workload?: string,
): Measurement | undefined {
  return measurements.find(
    (measurement) =>
      measurement.contestant === contestant.name &&
      (workload === undefined || measurement.workload === workload),
  );
}

/** No bar when one of the two was not measured. @param bound undefined for information only. */
export function ratioBar(
  text: string,
  direction: Bar['direction'],
  bound: number | undefined,
  figure: keyof Sample,
  measurement: Measurement | undefined,
  baseline: Measurement | undefined,
): Bar[] {
  if (!measurement || !baseline) return [];
  const against = ratios(figures(measurement, figure), figures(baseline, figure));
  return [summaryBar(text, direction, bound, against, '×', objectionTo(measurement, baseline))];
}

export function summaryBar(
  text: string,
  direction: Bar['direction'],
  bound: number | undefined,
  { median, min, max }: Summary,
  unit: string,
  objection?: string,
): Bar {
  return { text, value: median, range: [min, max], bound, direction, unit, objection };
}

export function figureBar(
  text: string,
  direction: Bar['direction'],
  bound: number,
  value: number,
  unit: string,
  objection?: string,
): Bar {
  return { text, value, bound, direction, unit, objection };
}

/** What forbids to draw conclusions from these measurements. */
export function objectionTo(...measurements: readonly Measurement[]): string | undefined {
  const spoiled = measurements
    .map((measurement) => ({
      name: measurement.contestant,
      errors: figures(measurement, 'errors').reduce((sum, errors) => sum + errors, 0),
    }))
    .filter(({ errors }) => errors > 0);
  if (spoiled.length === 0) return undefined;
  return spoiled.map(({ name, errors }) => `${count(errors)} errors of ${name}`).join(', ');
}
