/** The installer's decisions, with a PATH made for each; nothing is ever installed here. */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const script = fileURLToPath(new URL('../../../../test/support/install-redis.sh', import.meta.url));

t.test('there is nothing to do where redis-server is on the PATH', async (t) => {
  const path = t.testdir();
  writeFileSync(join(path, 'redis-server'), '#!/bin/sh\n');
  chmodSync(join(path, 'redis-server'), 0o755);
  t.match(run(path), { status: 0, stdout: '', stderr: '' });
});

t.test('where it can neither find nor install Redis, one line says what to install', async (t) => {
  const { status, stdout, stderr } = run(t.testdir());
  t.equal(status, 1);
  t.equal(stdout, '');
  t.match(stderr, /^redis-server is not on the PATH: install .*\n$/);
});

function run(path: string) {
  return spawnSync('/bin/bash', [script], { env: { PATH: path }, encoding: 'utf8' });
}
