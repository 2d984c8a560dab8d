/**
 * A project of its own, outside of the repository, with the packed package installed. The modules of the repository are linked
 * there, so nothing is downloaded. The project is gone when the scope ends.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scope } from './child-handle.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** @returns the folder. */
export async function packedProject(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-project-'));
  scope.teardown(() => rm(folder, { recursive: true, force: true }));
  const args = ['pack', '--ignore-scripts', '--json', '--prefix', ROOT, '--pack-destination', folder];
  const [{ filename }] = JSON.parse(
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }),
  );
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'warren'), { recursive: true });
  execFileSync('tar', ['xf', join(folder, filename), '-C', join(modules, 'warren'), '--strip-components=1']);
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join(modules, 'warren', bin.warren), join(modules, '.bin/warren'));
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  return folder;
}
