import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { VARIABLES } from '../../src/config/variables.js';
import { PROBLEMS } from '../../src/errors.js';
import { PATHS } from '../../src/residents/fibonacci/routes.js';

const root = new URL('../../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');
const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the README has a row for every variable, with its default and its meaning', async (t) => {
  for (const [name, { fallback, meaning }] of Object.entries(VARIABLES)) {
    const row = rows.find((cells) => cells[1] === `\`${name}\``);
    t.same(row?.slice(2, 4), [fallback ? `\`${fallback}\`` : '–', meaning], name);
  }
});

test('the README names every route and every problem', async (t) => {
  const own = ['/health', '/ready', '/openapi.json'];
  for (const path of [...own, ...PATHS.map(({ path }) => path)]) t.match(readme, path);
  for (const code of Object.keys(PROBLEMS)) t.ok(readme.includes(`\`${code}\``), code);
});

test('every guarantee, and every promise of a store, names a test that is there', async (t) => {
  for (const title of ['| guarantee', '| store']) {
    const table = readme.slice(readme.indexOf(`\n${title} `) + 1).split('\n\n', 1)[0] ?? '';
    const promises = table.split('\n').slice(2);
    t.ok(promises.length >= 6, title);
    for (const promise of promises) {
      const [name, proof] = [promise.split('|')[1]?.trim(), promise.split('|').at(-2) ?? ''];
      const links = [...proof.matchAll(/\]\((test\/[^)]+)\)/g)].map(([, path]) => path as string);
      // Memory promises nothing.
      t.ok(name === 'memory' || links.length > 0, `${name}`);
    }
  }
});

test('every relative link in the documents leads somewhere', async (t) => {
  const documents = readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  t.ok(documents.length > 20);
  for (const document of ['README.md', ...documents]) {
    const url = new URL(document, root);
    const text = readFileSync(url, 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target as string);
    for (const target of links) t.ok(existsSync(new URL(target, url)), `${document} -> ${target}`);
  }
});
