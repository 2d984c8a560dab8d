/**
 * node .ci/write-version.mjs [--check] VERSION: writes a new version into package.json and package-lock.json, the heading of the changelog, and the names of
 * files and images in docs/. With --check it only says whether it could. Works on the current directory.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CHANGELOG = 'docs/changelog.md';
const UNRELEASED = '## Unreleased\n';
const PATTERN = /^(\d+)\.(\d+)\.(\d+)$/;

const check = process.argv[2] === '--check';
const version = process.argv[check ? 3 : 2] ?? '';
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const changelog = readFileSync(CHANGELOG, 'utf8');

const mistake = mistakeOf(version, manifest.version, changelog);
if (mistake) {
  console.error(mistake);
  process.exitCode = 1;
} else if (!check) write();

function mistakeOf(next, last, changes) {
  if (!PATTERN.test(next)) return 'usage: npm run release -- MAJOR.MINOR.PATCH';
  if (!isAbove(next, last)) return `${next} is not above ${last}`;
  const [, section] = changes.split(UNRELEASED);
  if (section === undefined) return `${CHANGELOG} has no heading "Unreleased"`;
  if (!/^- /m.test(section.split('\n## ', 1)[0])) return `${CHANGELOG} says nothing under "Unreleased"`;
}

function isAbove(next, last) {
  const [a, b] = [next, last].map((text) => PATTERN.exec(text).slice(1).map(Number));
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at] > b[at];
}

function write() {
  const last = manifest.version;
  for (const path of ['package.json', 'package-lock.json'])
    replace(path, `"version": "${last}"`, `"version": "${version}"`, 'first');
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  lock.packages[''].version = version;
  writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
  const today = new Date().toISOString().slice(0, 10);
  replace(CHANGELOG, UNRELEASED, `${UNRELEASED}\n## ${version} (${today})\n`, 'first');
  for (const name of readdirSync('docs', { recursive: true })) {
    const path = join('docs', name);
    if (!/\.(md|yml|service)$/.test(name) || path === CHANGELOG) continue;
    replace(path, `warren-${last}.tgz`, `warren-${version}.tgz`, 'all');
    replace(path, `warren:${last}`, `warren:${version}`, 'all');
  }
}

function replace(path, from, to, which) {
  const before = readFileSync(path, 'utf8');
  const after = which === 'all' ? before.replaceAll(from, to) : before.replace(from, to);
  if (after !== before) writeFileSync(path, after);
}
