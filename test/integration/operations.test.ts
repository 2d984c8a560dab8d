/** What the documents for operators name must exist: a renamed metric would leave alerts that never fire. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { scrape } from '../support/metrics.js';
import { startWarren } from '../support/warren-process.js';

const read = (name: string) =>
  readFileSync(new URL(`../../../docs/operations/${name}`, import.meta.url), 'utf8');
const NAME = /\b(?:warren|process)_[a-z_]+\b/g;
const HISTOGRAM_PART = /_(bucket|sum|count)$/;

t.test('every metric that the dashboard, the alerts and the runbook name is served', async (t) => {
  const warren = await startWarren(t, { env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
  const { text } = await scrape(warren.adminUrl);
  const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
  for (const document of ['grafana.json', 'alerts.yml', 'runbook.md']) {
    const named = new Set(read(document).match(NAME));
    t.ok(named.size > 0, document);
    for (const name of named) {
      t.ok(served.has(name) || served.has(name.replace(HISTOGRAM_PART, '')), `${document}: ${name}`);
    }
  }
});

t.test('every alert has its section in the runbook', async (t) => {
  const runbook = read('runbook.md');
  const alerts = [...read('alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  t.ok(alerts.length > 5);
  for (const name of alerts) t.match(runbook, new RegExp(`^### ${name}$`, 'm'));
});

t.test('every fatal code is in the runbook, but for the one that has an exit code of its own', async (t) => {
  const errors = readFileSync(new URL('../../../src/errors.ts', import.meta.url), 'utf8');
  const [, union = ''] = /type FatalCode =([^;]+);/.exec(errors) ?? [];
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code = '']) => code);
  t.ok(codes.length > 5);
  const runbook = read('runbook.md');
  for (const code of codes) if (code !== 'config-invalid') t.match(runbook, `\`${code}\``);
});
