/** What a run leaves behind: a page of tables and bars, the same as JSON with every round, and the charts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bar, isMet, type ScenarioResult } from '../measurement.js';
import { chartsOf } from './charts.js';
import { describe, type Surroundings } from './surroundings.js';
import { count, markdown, milliseconds } from './table.js';

export function pageOf(facts: Surroundings, results: readonly ScenarioResult[]): string {
  return ['# Bench', describe(facts), ...results.map(sectionOf)].join('\n\n');
}

function sectionOf({ key, title, tables, bars, notes }: ScenarioResult): string {
  const barTable = {
    title: 'Bars',
    columns: ['bar', 'wanted', 'measured', ''],
    rows: bars.map((bar) => [
      bar.text,
      `${sign(bar)} ${bar.bound} ${bar.unit}`.trim(),
      shown(bar),
      verdict(bar),
    ]),
  };
  return [
    `## (${key}) ${title}`,
    ...tables.map(markdown),
    ...(bars.length > 0 ? [markdown(barTable)] : []),
    ...notes.map((note) => `Note: ${note}.`),
  ].join('\n\n');
}

function sign({ direction }: Bar): string {
  return direction === 'at least' ? '≥' : '≤';
}

function shown({ value, unit }: Bar): string {
  const text = unit === '×' ? value.toFixed(2) : unit === 'ms' ? milliseconds(value) : count(value);
  return `${text} ${unit}`.trim();
}

function verdict(bar: Bar): string {
  if (isMet(bar)) return 'met';
  if (bar.bound === 0 || Number.isNaN(bar.value)) return 'MISSED';
  return `MISSED by ${(Math.abs(bar.value / bar.bound - 1) * 100).toFixed(0)}%`;
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
