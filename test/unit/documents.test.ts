/** What the documents say of the code is so: generated parts are fresh, links lead somewhere, and names that they give exist. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { PROBLEMS } from '../../src/errors.js';
import { PATHS } from '../../src/residents/fibonacci/routes.js';
import { undocumented } from '../docs/api-reference.js';
import { generatedPages } from '../docs/generated.js';
import { anchorsOf, blocksOf, documents, ROOT, read } from '../docs/markdown.js';

t.test('the generated sections are those of `npm run docs`', async (t) => {
  for (const [path, text] of generatedPages()) t.equal(read(path), text, `${path}: run npm run docs`);
});

t.test('every exported name, and each of its members, has a docstring', async (t) => {
  t.strictSame(undocumented(), []);
});

t.test(
  'the HTTP reference has every path, and every problem with its status and what became of the request',
  async (t) => {
    const page = read('docs/http.md');
    for (const { path } of PATHS) t.match(page, `\`${path}\``.slice(1, -1), path);
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const [code, { status }] of Object.entries(PROBLEMS)) {
      const row = rows.find((cells) => cells[2] === `\`${code}\``);
      t.equal(row?.[1], `${status}`, code);
      const effect = status === 504 ? 'unknown' : status === 500 ? /^(no|unknown)$/ : 'no';
      t.match(row?.[4], effect, code);
    }
  },
);

t.test('the runbook says what to do for each code with which the process ends', async (t) => {
  const [, type = ''] = /export type FatalCode =\n(.*?);/s.exec(read('src/errors.ts')) ?? [];
  const codes = [...type.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code as string);
  t.ok(codes.length > 10);
  for (const code of codes) {
    // 78, of which the chapter speaks first.
    if (code !== 'config-invalid') t.match(read('docs/operations/runbook.md'), `| \`${code}\``, code);
  }
});

t.test('every promise has its limits, and names tests that are there', async (t) => {
  const promises = read('docs/guarantees.md')
    .split(/^## \d+\. /m)
    .slice(1);
  t.ok(promises.length >= 12);
  for (const promise of promises) {
    const [title = '', body = ''] = promise.split(/\n(.*)/s);
    if (!title.includes('exact')) t.match(body, /^Limits: /m, title);
    const tests = [...body.matchAll(/^- \[(.+)\]\(\.\.\/(test\/[^)]+)\)$/gm)];
    t.ok(tests.length > 0, title);
    for (const [, name = '', path = ''] of tests) t.ok(read(path).includes(name), `${path}: ${name}`);
  }
});

t.test('what each store keeps is shown by a test', async (t) => {
  const [, table = ''] = read('docs/guarantees.md').split('| store ');
  const rows = table.split('\n\n', 1)[0]?.split('\n').slice(2) ?? [];
  t.ok(rows.length >= 6);
  // Memory promises nothing.
  for (const row of rows) t.ok(row.startsWith('| memory') || /\]\(\.\.\/test\//.test(row), row);
});

t.test('every relative link leads to a file, and to a heading of it', async (t) => {
  t.ok(documents().length > 30);
  for (const document of documents()) {
    const text = read(document).replace(/^```.*?^```$/gms, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      t.ok(existsSync(join(ROOT, file)), `${document} -> ${target}`);
      if (anchor && file.endsWith('.md')) t.ok(anchorsOf(read(file)).has(anchor), `${document} -> ${target}`);
    }
  }
});

t.test('every block of JavaScript, TypeScript and JSON in the documents parses', async (t) => {
  for (const document of documents()) {
    for (const { language, code } of blocksOf(read(document))) {
      if (language === 'json') t.doesNotThrow(() => JSON.parse(code), document);
      if (language !== 'js' && language !== 'ts') continue;
      const { diagnostics = [] } = ts.transpileModule(code, { reportDiagnostics: true });
      t.strictSame(
        diagnostics.map(({ messageText }) => messageText),
        [],
        document,
      );
    }
  }
});

/** See `docs/glossary.md`. The decisions are history, and keep the words of their time. */
const GONE =
  /\bjournal|\bvitals?\b|vital signs|rehears|\breign(s|ed|ing)?\b|last words|\bjourneys?\b|pending.?asks?\b/i;

t.test('the words that the glossary has replaced do not come back', async (t) => {
  const names = ['src', 'workers', 'docs', 'test', 'bench'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  const texts = ['README.md', ...names].filter(
    (name) =>
      /\.(ts|md|html|css|yml|sh)$/.test(name) &&
      !/node_modules|^docs\/(glossary|decisions|changelog)|documents\.test|fault-proxy\.test|bench\/results/.test(
        name,
      ),
  );
  t.ok(texts.length > 400);
  for (const name of texts) {
    const found = read(name).match(GONE);
    if (found) t.fail(`${name}: ${found[0]}`);
  }
});
