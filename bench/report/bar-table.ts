/** What was promised, what was measured, and whether that is enough. */
import { type Bar, isMet, type Table } from '../measurement.js';
import { count, milliseconds, ratio } from './table.js';

export function barTable(bars: readonly Bar[]): Table {
  return {
    title: 'Bars',
    columns: ['bar', 'wanted', 'measured', ''],
    rows: bars.map((bar) => [
      bar.text,
      bar.bound === undefined ? '–' : `${sign(bar)} ${count(bar.bound, 2)} ${bar.unit}`.trim(),
      shown(bar),
      verdict(bar),
    ]),
  };
}

function sign({ direction }: Bar): string {
  return direction === 'at least' ? '≥' : '≤';
}

function shown({ value, range, unit }: Bar): string {
  const text = (figure: number) =>
    unit === '×' ? times(figure) : unit === 'ms' ? milliseconds(figure) : count(figure, figure < 100 ? 1 : 0);
  const [min, max] = range ?? [value, value];
  const spread = min === max ? '' : ` (${text(min)}–${text(max)})`;
  return `${text(value)} ${unit}${spread}`.trim();
}

function times(figure: number): string {
  return figure >= 100 ? count(figure) : ratio(figure);
}

function verdict(bar: Bar): string {
  if (isMet(bar)) return 'met';
  if (bar.objection !== undefined) return `NOT MET: ${bar.objection}`;
  if (bar.bound === undefined) return '';
  if (bar.bound === 0 || Number.isNaN(bar.value)) return 'MISSED';
  return `MISSED by ${(Math.abs(bar.value / bar.bound - 1) * 100).toFixed(0)}%`;
}
