/** What the documents for operators name must exist: a renamed metric would leave alerts that never fire. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { PROBLEMS } from '../../src/errors.js';
import { PATHS } from '../../src/residents/fibonacci/routes.js';
import { scrape } from '../support/metrics.js';
import { startWarren } from '../support/warren-process.js';

const read = (name: string) =>
  readFileSync(new URL(`../../../docs/operations/${name}`, import.meta.url), 'utf8');
const NAME = /\b(?:warren|process)_[a-z_]+\b/g;
const HISTOGRAM_PART = /_(bucket|sum|count)$/;
/** Every series has them, from the scrape. */
const SCRAPE_LABELS = ['job', 'instance'];

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly Target[];
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const { panels, templating, annotations } = JSON.parse(read('grafana.json')) as {
  panels: Panel[];
  templating: { list: { name: string }[] };
  annotations: { list: { expr: string }[] };
};
const rules = (parse(read('alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

t.test('what the dashboard, the alerts and the runbook ask for is served', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
  const served = new Served((await scrape(warren.adminUrl)).text);
  for (const { title, targets } of panels) {
    t.ok(targets.length > 0, title);
    for (const { expr, legendFormat } of targets) {
      served.checkQuery(t, expr, title);
      t.match(expr, 'job="$job"', `${title}: of the chosen job alone`);
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        t.ok(served.hasLabel(expr, label), `${title}: {{${label}}}`);
      }
    }
  }
  for (const { expr } of annotations.list) served.checkQuery(t, expr, 'annotation');
  for (const { alert, expr } of rules) served.checkQuery(t, expr, alert);
  const inRunbook = new Set(read('runbook.md').match(NAME));
  t.ok(inRunbook.size > 0);
  for (const name of inRunbook) t.ok(served.has(name), `runbook: ${name}`);
});

t.test('the dashboard has its variables, and no panel lies on another', async (t) => {
  t.strictSame(
    templating.list.map(({ name }) => name),
    ['datasource', 'job'],
  );
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'each panel has an id of its own');
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  );
  t.equal(new Set(cells).size, cells.length);
});

t.test('every alert is whole, and has its section in the runbook', async (t) => {
  t.ok(rules.length > 5);
  const runbook = read('runbook.md');
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(page|ticket)$/, alert);
    t.ok(annotations.summary, alert);
    t.match(runbook, new RegExp(`^### ${alert}$`, 'm'));
  }
});

t.test('every code of a server problem is explained where its alert is', async (t) => {
  const [, section = ''] = /^### WarrenFailing\n([\s\S]*?)^###/m.exec(read('runbook.md')) ?? [];
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    if (status >= 500) t.match(section, `\`${code}\``);
  }
});

t.test('every fatal code is in the runbook, but for the one that has an exit code of its own', async (t) => {
  const errors = readFileSync(new URL('../../../src/errors.ts', import.meta.url), 'utf8');
  const [, union = ''] = /type FatalCode =([^;]+);/.exec(errors) ?? [];
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code = '']) => code);
  t.ok(codes.length > 5);
  const runbook = read('runbook.md');
  for (const code of codes) if (code !== 'config-invalid') t.match(runbook, `\`${code}\``);
});

/** The metrics of one scrape with their labels, and whether a query could find anything in them. */
class Served {
  readonly #labels = new Map<string, Set<string>>([['up', new Set()]]);

  constructor(text: string) {
    for (const [, name = ''] of text.matchAll(/^# TYPE (\S+)/gm)) this.#labels.set(name, new Set());
    for (const [, series = '', labels = ''] of text.matchAll(/^(\w+)\{(.*)\} /gm)) {
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) this.#labelsOf(series)?.add(label);
    }
  }

  has(name: string): boolean {
    return this.#labelsOf(name) !== undefined;
  }

  /** Whether the first metric of a query has this label. */
  hasLabel(query: string, label: string): boolean {
    const [name = ''] = query.match(NAME) ?? [];
    return SCRAPE_LABELS.includes(label) || this.#labelsOf(name)?.has(label) === true;
  }

  checkQuery(t: Test, query: string, where: string): void {
    const names = query.match(/\b(?:(?:warren|process)_[a-z_]+|up)\b/g) ?? [];
    t.ok(names.length > 0, `${where}: ${query}`);
    for (const name of names) t.ok(this.has(name), `${where}: ${name}`);
    for (const [open, close] of ['()', '{}', '[]']) {
      t.equal(query.split(open as string).length, query.split(close as string).length, `${where}: ${query}`);
    }
    for (const [, name = '', matchers = ''] of query.matchAll(/(\w+)\{([^}]*)\}/g)) {
      for (const [, label = '', value = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)) {
        t.ok(this.hasLabel(name, label), `${where}: ${name} has the label ${label}`);
        if (label === 'code') for (const code of value.split('|')) t.hasProp(PROBLEMS, code, where);
        if (label === 'path') {
          for (const path of value.split('|'))
            t.ok(
              PATHS.some((route) => route.path === path) ||
                ['/health', '/ready', '/openapi.json'].includes(path),
              path,
            );
        }
      }
    }
  }

  #labelsOf(series: string): Set<string> | undefined {
    return this.#labels.get(series) ?? this.#labels.get(series.replace(HISTOGRAM_PART, ''));
  }
}
