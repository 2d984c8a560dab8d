/** What `npm pack` makes: only what runs, all of what runs, and it runs. */
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const npm = (args: readonly string[]) =>
  execFileSync('npm', [...args, '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: 'pipe',
  });

t.test('the package has what runs, and neither tests nor sources nor data', async (t) => {
  const [{ files }] = JSON.parse(npm(['pack', '--dry-run']));
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  for (const needed of [
    'dist/src/main.js',
    'dist/src/cli/warren.js',
    'dist/workers/owner.js',
    'dist/workers/format.js',
    'package.json',
    'README.md',
    'LICENSE',
  ]) {
    t.ok(paths.includes(needed), needed);
  }
  t.ok(
    paths.some((path) => path.endsWith('.wasm')),
    'the kernel',
  );
  const folders = /^(dist\/src|dist\/workers|docs)\/|^(package\.json|README\.md|LICENSE)$/;
  t.strictSame(
    paths.filter((path) => !folders.test(path)),
    [],
  );
});

t.test('an unpacked package serves', async (t) => {
  const folder = t.testdir();
  const [{ filename }] = JSON.parse(npm(['pack', '--pack-destination', folder]));
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
  symlinkSync(join(root, 'node_modules'), join(folder, 'package', 'node_modules'));
  const entry = pathToFileURL(join(folder, 'package/dist/src/cli/warren.js'));
  const warren = await startWarren(t, { entry, args: ['serve'] });
  t.equal((await get(warren.url, '/next')).body, '{"next": 1}');
  t.equal(await warren.stop(), 0);
});
