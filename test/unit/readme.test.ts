/** What a stranger sees first is short, complete and true. `documents.test.ts` holds the links; the README's commands are run by `test/integration/documents.test.ts`. */
import { test } from 'tap';
import { blocksOf, read } from '../docs/markdown.js';

const readme = read('README.md');

test('the README is short, and its first screen has a picture, code, two commands and a figure', async (t) => {
  const lines = readme.split('\n');
  t.ok(lines.length <= 250, `${lines.length} lines`);
  const screen = lines.slice(0, 50).join('\n');
  t.match(screen, /^```\n[^`]*──>/m, 'a picture');
  t.match(screen, /^```sh[^\n]*\n[^\n]+\n[^\n]+\n```/m, 'two commands');
  t.match(screen, /\[`npm run bench/, 'a figure, with its command');
  const [code] = blocksOf(screen);
  t.equal(code?.language, 'js');
  t.ok((code?.code.split('\n').length ?? 99) <= 12, 'ten lines of code');
});

test('every npm script that the documents name is there', async (t) => {
  const { scripts } = JSON.parse(read('package.json'));
  for (const document of ['README.md', 'docs/contributing.md', 'docs/container.md', 'docs/performance.md']) {
    const names = [...read(document).matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g)];
    for (const [, name = ''] of names) t.hasProp(scripts, name, `${document}: ${name}`);
  }
});

test('every promise in the README names a test', async (t) => {
  const table = readme.slice(readme.indexOf('| promise')).split('\n\n', 1)[0] ?? '';
  const promises = table.split('\n').slice(2);
  t.ok(promises.length >= 10);
  for (const promise of promises) t.match(promise, /\]\(test\/[^)]+\.test\.ts\)/);
});
