/** What `npm pack` makes: only what runs, all of what runs; and installed elsewhere, with nothing but it, it runs. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { startWarren } from '../support/warren-process.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const npm = (cwd: string, args: readonly string[]) =>
  execFileSync('npm', [...args, '--prefix', cwd, '--json'], { cwd, encoding: 'utf8', stdio: 'pipe' });

t.test('the package has what runs, and neither tests nor sources nor data', async (t) => {
  const [{ files }] = JSON.parse(npm(root, ['pack', '--dry-run', '--ignore-scripts']));
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  for (const needed of [
    'dist/src/main.js',
    'dist/src/cli/warren.js',
    'dist/src/admin/page/index.html',
    'dist/src/admin/page/page.css',
    'dist/src/admin/page/page.js',
    'dist/src/admin/page/icon.svg',
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

t.test(
  'an installed package serves numbers and the live page, with production dependencies alone',
  async (t) => {
    // Outside of this repository, whose modules would be found otherwise.
    const folder = await mkdtemp(join(tmpdir(), 'warren-package-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [{ filename }] = JSON.parse(npm(root, ['pack', '--ignore-scripts', '--pack-destination', folder]));
    writeFileSync(join(folder, 'package.json'), '{"private": true}');
    npm(folder, [
      'install',
      '--omit=dev',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(folder, filename),
    ]);
    const entry = pathToFileURL(join(folder, 'node_modules/.bin/warren'));
    const warren = await startWarren(t, { entry, args: ['serve'], env: { ADMIN_HOST_PORT: '127.0.0.1:0' } });
    t.equal((await get(warren.url, '/next')).body, '{"next": 1}');
    const { status, body } = await get(warren.adminUrl, '/');
    t.equal(status, 200);
    const assets = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    const { body: script } = await get(warren.adminUrl, '/page.js');
    const modules = [...script.matchAll(/from '\.\/([^']+)'/g)].map(([, path = '']) => path);
    t.ok(assets.length > 3 && modules.length > 1);
    for (const path of [...assets, ...modules]) {
      t.equal((await get(warren.adminUrl, `/${path}`)).status, 200, path);
    }
    t.equal((await get(warren.adminUrl, '/metrics')).status, 200);
    t.equal(await warren.stop(), 0);
  },
);

t.test('the program can be executed as it was built, also a second time', async (t) => {
  const program = fileURLToPath(new URL('dist/src/cli/warren.js', pathToFileURL(root)));
  t.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /^\d+\.\d+\.\d+\n$/);
  // What makes it executable is part of the build, since each build makes the file anew.
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.match(scripts.build, 'build:program');
});
