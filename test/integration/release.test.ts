/** The release script, without what it runs: what it refuses, what it would run, and what it writes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from '../docs/markdown.js';

const CHANGELOG = '# Changelog\n\n## Unreleased\n\n- Something new.\n\n## 0.1.0\n\n- The first.\n';

function repository(folder: string, changelog = CHANGELOG): string {
  for (const name of ['.ci', 'package.json', 'package-lock.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, 'docs/operations'), { recursive: true });
  writeFileSync(join(folder, 'docs/changelog.md'), changelog);
  writeFileSync(join(folder, 'docs/operations/warren.service'), `install warren-${version(folder)}.tgz`);
  return folder;
}

function version(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

const write = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, ['.ci/write-version.mjs', ...args], { cwd, encoding: 'utf8' });

t.test('a version that makes no sense is refused, and nothing is written', async (t) => {
  for (const [given, changelog, reason] of [
    ['', CHANGELOG, /usage/],
    ['1.0', CHANGELOG, /usage/],
    ['0.0.9', CHANGELOG, /is not above/],
    [version(ROOT), CHANGELOG, /is not above/],
    ['99.0.0', '# Changelog\n', /no heading/],
    ['99.0.0', '# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- The first.\n', /says nothing/],
  ] as const) {
    const folder = repository(t.testdir(), changelog);
    const { status, stderr } = write(folder, given);
    t.equal(status, 1);
    t.match(stderr, reason);
    t.equal(version(folder), version(ROOT));
  }
});

t.test('--check writes nothing', async (t) => {
  const folder = repository(t.testdir());
  t.equal(write(folder, '--check', '99.0.0').status, 0);
  t.equal(version(folder), version(ROOT));
});

t.test('the version is written into the package, the lock, the changelog and the documents', async (t) => {
  const folder = repository(t.testdir());
  t.equal(write(folder, '99.0.0').status, 0);
  t.equal(version(folder), '99.0.0');
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  t.strictSame([lock.version, lock.packages[''].version], ['99.0.0', '99.0.0']);
  const changelog = readFileSync(join(folder, 'docs/changelog.md'), 'utf8');
  t.match(changelog, /^## Unreleased\n\n## 99\.0\.0 \(\d{4}-\d\d-\d\d\)\n\n- Something new\.$/m);
  t.match(readFileSync(join(folder, 'docs/operations/warren.service'), 'utf8'), 'warren-99.0.0.tgz');
});

t.test('the release runs scripts that are there', async (t) => {
  const steps = execFileSync(join(ROOT, '.ci/release'), ['--steps'], { encoding: 'utf8' }).trim().split('\n');
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const part of ['.ci/run', 'test:container', 'chaos', 'bench:race'])
    t.ok(
      steps.some((step) => step.includes(part)),
      part,
    );
  for (const step of steps) {
    const [, name] = /^npm run (\S+)/.exec(step) ?? [];
    if (name) t.hasProp(scripts, name);
  }
});
