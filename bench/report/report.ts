/** What a run leaves behind: a page of tables and bars, the same as JSON with every round, and the charts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScenarioResult } from '../measurement.js';
import { barTable } from './bar-table.js';
import { chartsOf } from './charts.js';
import { describe, type Surroundings } from './surroundings.js';
import { markdown } from './table.js';

export function pageOf(facts: Surroundings, results: readonly ScenarioResult[]): string {
  return ['# Bench', describe(facts), ...results.map(sectionOf)].join('\n\n');
}

function sectionOf({ key, title, tables, bars, notes }: ScenarioResult): string {
  return [
    `## (${key}) ${title}`,
    ...tables.map(markdown),
    ...(bars.length > 0 ? [markdown(barTable(bars))] : []),
    ...notes.map((note) => `Note: ${note}.`),
  ].join('\n\n');
}

/** @returns the files written. */
export function writeReport(
  folder: string,
  facts: Surroundings,
  results: readonly ScenarioResult[],
): string[] {
  const files = new Map([
    ['report.md', `${pageOf(facts, results)}\n`],
    ['results.json', `${JSON.stringify({ ...facts, scenarios: results }, undefined, 2)}\n`],
    ...chartsOf(results).map(({ file, svg }) => [file, svg] as const),
  ]);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(folder, file), text);
  return [...files.keys()].map((file) => join(folder, file));
}
