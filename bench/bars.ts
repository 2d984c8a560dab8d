/** Bars over measurements: a contestant's median ratio to a baseline of the same rounds. */
import type { Bar, Measurement, Sample } from './measurement.js';
import { figures } from './report/table.js';
import { ratios } from './statistics.js';

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

/** No bar when one of the two was not measured. */
export function ratioBar(
  text: string,
  direction: Bar['direction'],
  bound: number,
  figure: keyof Sample,
  measurement: Measurement | undefined,
  baseline: Measurement | undefined,
): Bar[] {
  if (!measurement || !baseline) return [];
  const value = ratios(figures(measurement, figure), figures(baseline, figure)).median;
  return [{ text, value, bound, direction, unit: '×' }];
}

export function figureBar(
  text: string,
  direction: Bar['direction'],
  bound: number,
  value: number,
  unit: string,
): Bar {
  return { text, value, bound, direction, unit };
}
