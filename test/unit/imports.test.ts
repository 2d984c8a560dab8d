/** Which part may know of which: the layout says it, and this holds it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Folders of `src/`, and what nothing in them imports. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  runtime: ['nodes', 'http', 'residents', 'operations', 'cli', 'verify', 'config'],
  store: ['runtime', 'nodes', 'http', 'residents', 'operations', 'cli', 'verify', 'config'],
  http: ['nodes', 'residents', 'operations', 'cli', 'verify', 'config'],
  nodes: ['residents', 'operations', 'cli', 'verify'],
  meter: ['runtime', 'nodes', 'store', 'http', 'residents', 'operations', 'cli', 'verify', 'config'],
  'runtime/link': ['runtime/front', 'runtime/owner'],
};

for (const [folder, forbidden] of Object.entries(FORBIDDEN)) {
  t.test(`${folder}/ imports nothing of ${forbidden.join(', ')}`, async (t) => {
    const files = filesIn(join(SRC, folder));
    t.ok(files.length > 2);
    for (const file of files) {
      for (const imported of importsOf(file)) {
        const part = forbidden.find((one) => imported.startsWith(`${one}/`));
        if (part) t.fail(`${relative(SRC, file)} imports ${imported}`);
      }
    }
  });
}

t.test('what runs on the owner thread loads nothing of the main thread, but for types', async (t) => {
  for (const file of filesIn(join(SRC, 'runtime/owner'))) {
    for (const imported of importsOf(file, 'values')) {
      if (/^(http|runtime\/front)\//.test(imported) && imported !== 'runtime/link/front-link.ts')
        t.fail(`${relative(SRC, file)} imports ${imported}`);
    }
  }
  t.ok(filesIn(join(SRC, 'runtime/owner')).length > 5);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** Relative to `src/`. */
function importsOf(file: string, which: 'all' | 'values' = 'all'): string[] {
  const text = readFileSync(file, 'utf8');
  const statement = which === 'all' ? /from '(\.[^']+)'/g : /^import (?!type )[^;]*?from '(\.[^']+)'/gm;
  return [...text.matchAll(statement)].map(([, path = '']) =>
    relative(SRC, join(dirname(file), path)).replace(/\.js$/, '.ts'),
  );
}
