/** The installer's decisions, with a PATH made for each; nothing is ever installed here. */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const script = fileURLToPath(new URL('../../../../test/support/install-proxies.sh', import.meta.url));

t.test('there is nothing to do where both are on the PATH', async (t) => {
  t.match(run(pathWith(t, 'nginx', 'haproxy')), { status: 0, stdout: '', stderr: '' });
});

t.test('where one is missing and cannot be installed, one line says what to install', async (t) => {
  const { status, stderr } = run(pathWith(t, 'nginx'));
  t.equal(status, 1);
  t.match(stderr, /^haproxy not on the PATH: install .*\n$/);
});

t.test('where it can neither find nor install any, one line says so', async (t) => {
  const { status, stdout, stderr } = run(t.testdir());
  t.equal(status, 1);
  t.equal(stdout, '');
  t.match(stderr, /^nginx haproxy not on the PATH: install .*\n$/);
});

function pathWith(t: Test, ...names: string[]): string {
  const path = t.testdir();
  for (const name of names) {
    writeFileSync(join(path, name), '#!/bin/sh\n');
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

function run(path: string) {
  return spawnSync('/bin/bash', [script], { env: { PATH: path }, encoding: 'utf8' });
}
