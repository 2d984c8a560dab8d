/** The installer's decisions, with a PATH made for each; nothing is ever installed here. */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const script = fileURLToPath(new URL('../../../../test/support/install-chromium.sh', import.meta.url));

for (const name of ['chromium', 'google-chrome']) {
  t.test(`there is nothing to do where ${name} is on the PATH`, async (t) => {
    const path = t.testdir();
    writeFileSync(join(path, name), '#!/bin/sh\n');
    chmodSync(join(path, name), 0o755);
    t.match(run(path), { status: 0, stdout: '', stderr: '' });
  });
}

t.test('where it can neither find nor install a browser, one line says what to install', async (t) => {
  const { status, stdout, stderr } = run(t.testdir());
  t.equal(status, 1);
  t.equal(stdout, '');
  t.match(stderr, /^chromium is not on the PATH: install .*\n$/);
});

function run(path: string) {
  return spawnSync('/bin/bash', [script], { env: { PATH: path }, encoding: 'utf8' });
}
