/** Every signal that ends the process is a clean stop, from the first moment on, as PID 1, and behind npm. */

import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import { ChildHandle } from '../support/child-handle.js';
import { freePort } from '../support/free-port.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { startRedis } from '../support/redis-process.js';
import { currentIndex } from '../support/sequence-probe.js';
import { spawnWarren, startWarren } from '../support/warren-process.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

for (const signal of SIGNALS) {
  t.test(`${signal} loses nothing that was answered, also where the store follows behind`, async (t) => {
    const warren = await startWarren(t, { env: { DURABILITY: 'async', WATCHDOG_MS: '60000' } });
    for (let index = 1; index <= 20; index++) await get(warren.url, '/next');
    warren.kill(signal);
    t.strictSame(await warren.exited, { code: 0, signal: null });
    t.match(warren.logs.slice(-2), [{ msg: 'stopping', signal }, { msg: 'stopped' }]);
    const successor = await warren.again();
    t.equal(await currentIndex(successor.url), 20);
  });
}

t.test('a signal at any moment of the start ends the process, and leaves port and folder free', async (t) => {
  const first = await startWarren(t);
  await first.stop();
  const env = { SERVING_HOST_PORT: `127.0.0.1:${first.port}`, DATA_DIR: first.dataDir };
  for (const [round, signal] of [...SIGNALS, ...SIGNALS].entries()) {
    const warren = await spawnWarren(t, { env });
    await delay(round * 40);
    warren.kill(signal);
    const { code, signal: by } = await warren.exited;
    // Before Node itself has begun to run anything the kernel ends it.
    t.ok(code === 0 || by === signal, `${signal}: code ${code}, signal ${by}`);
  }
  const last = await startWarren(t, { env });
  t.equal((await get(last.url, '/next')).status, 200);
});

t.test('a signal while the store does not answer yet is a clean stop', async (t) => {
  const redis = await startRedis(t);
  redis.pause();
  const env = { REDIS_URL: redis.url, SHUTDOWN_TIMEOUT_MS: '60000', WATCHDOG_MS: '60000' };
  const warren = await startWarren(t, { env });
  warren.kill('SIGHUP');
  t.strictSame(await warren.exited, { code: 0, signal: null });
  t.match(warren.logs.at(-1), { msg: 'stopped' });
});

/** The child of a process that has one. */
async function onlyChild(pid: number): Promise<number> {
  for (;;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    if (child) return Number(child);
    await delay(5);
  }
}

const NAMESPACE = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
const hasNamespaces = (() => {
  try {
    execFileSync('unshare', [...NAMESPACE, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

for (const moment of ['starts', 'serves'] as const) {
  const skip = hasNamespaces ? false : 'no PID namespaces here';
  t.test(`as PID 1 it obeys while it ${moment}`, { skip }, async (t) => {
    const port = await freePort();
    const env = { SERVING_HOST_PORT: `127.0.0.1:${port}`, ADMIN_HOST_PORT: '', STORE: 'memory' };
    const args = [...NAMESPACE, process.execPath, MAIN];
    const child = await ChildHandle.spawn({ command: 'unshare', args, env });
    t.teardown(async () => void (await child.end()));
    const server = await onlyChild(child.pid);
    if (moment === 'serves') await answering(port);
    // The kernel drops what comes before the first line of ours; an orchestrator that is that quick tries again.
    while (child.running) {
      try {
        process.kill(server, 'SIGTERM');
      } catch {
        // It is gone already.
      }
      await Promise.race([child.exited, delay(moment === 'serves' ? 60_000 : 300)]);
    }
    const { code } = await child.exited;
    if (moment === 'serves') t.equal(code, 0);
    else t.ok(code === 0 || code === 1, `code ${code}`);
  });
}

async function answering(port: number): Promise<void> {
  for (;;) {
    const answer = await get(`http://127.0.0.1:${port}`, '/ready').catch(() => undefined);
    if (answer?.status === 200) return;
    await pause();
  }
}

const npm = pathToFileURL(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim()));

async function untilGone(port: number): Promise<void> {
  for (;;) {
    const gone = await get(`http://127.0.0.1:${port}`, '/health').then(
      () => false,
      (error) => error.code === 'ECONNREFUSED',
    );
    if (gone) return;
    await pause();
  }
}

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  t.test(`${signal} to npm start leaves no orphan behind`, async (t) => {
    // Without the scripts around it: a build in the middle of the tests would take the program from the others.
    const args = ['start', '--ignore-scripts', '--prefix', ROOT];
    const warren = await startWarren(t, { entry: npm, args });
    const { port } = warren;
    await get(warren.url, '/next');
    warren.kill(signal);
    await warren.exited;
    await untilGone(port);
    while (!warren.logs.some(({ msg }) => msg === 'stopped')) await pause();
    t.match(
      warren.logs.find(({ msg }) => msg === 'stopping'),
      { signal: String },
    );
    const successor = await startWarren(t, { env: { DATA_DIR: warren.dataDir } });
    t.equal(await currentIndex(successor.url), 1);
  });
}
