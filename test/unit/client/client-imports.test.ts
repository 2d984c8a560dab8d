/** The client runs in a browser: what it loads is its own few files, and no module of Node.js. */
import { readFileSync } from 'node:fs';
import t from 'tap';

const built = new URL('../../../src/', import.meta.url);

/** The built files, where imports of types are gone. */
function loadedBy(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)[^;]* from '([^']+)'/gm,
  )) {
    if (target.startsWith('.')) loadedBy(new URL(target, file), seen);
    else seen.add(target);
  }
  return seen;
}

t.test('the client loads its own files, and the type of a refusal', async (t) => {
  const loaded = [...loadedBy(new URL('client/index.js', built))].map((href) => href.replace(built.href, ''));
  t.strictSame(loaded.sort(), [
    'client/attempt.js',
    'client/client.js',
    'client/exact-json.js',
    'client/idempotency-key.js',
    'client/index.js',
    'client/no-answer-error.js',
    'client/persistence.js',
    'client/problem-error.js',
    'client/search.js',
    'client/sender.js',
    'runtime/refusal-body.js',
  ]);
});
