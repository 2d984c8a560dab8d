/** A thread that hangs does not take the service with it: the threads watch each other, and each can end the other. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { get } from '../support/http-client.js';
import { currentIndex } from '../support/sequence-probe.js';
import { startWarren } from '../support/warren-process.js';

const HANG = fileURLToPath(new URL('./fixtures/hang-main-thread.js', import.meta.url));
const HANG_OWNER = fileURLToPath(new URL('./fixtures/hang-owner-in-a-call.js', import.meta.url));
const PAUSE = fileURLToPath(new URL('./fixtures/pause-main-thread.js', import.meta.url));
/** Much more than a thread needs to start on a busy machine: it does not turn meanwhile. */
const WATCHDOG_MS = 3_000;

t.test('a process whose main thread hangs ends itself, and its successor has everything', async (t) => {
  const warren = await startWarren(t, {
    env: { WATCHDOG_MS: `${WATCHDOG_MS}` },
    nodeArgs: ['--import', HANG],
  });
  for (let index = 1; index <= 5; index++) await get(warren.url, '/next');
  warren.kill('SIGUSR1');
  t.strictSame(await warren.exited, { code: null, signal: 'SIGKILL' });
  const successor = await warren.again();
  t.equal(await currentIndex(successor.url), 5);
});

t.test('while a hung owner cannot be ended yet the process says that it is not healthy', async (t) => {
  const pipe = join(t.testdir(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const warren = await startWarren(t, {
    // Twice as long it may hang, then the process gives up.
    env: { WATCHDOG_MS: '10000', ASK_TIMEOUT_MS: '60000', HANG_PIPE: pipe },
    nodeArgs: ['--import', HANG_OWNER],
  });
  await get(warren.url, '/next');
  t.equal((await get(warren.url, '/health')).status, 200);
  warren.kill('SIGUSR1');
  let answer = await get(warren.url, '/health');
  while (answer.status === 200 && !warren.logs.some(({ msg }) => /owner died/.test(String(msg)))) {
    answer = await get(warren.url, '/health');
  }
  t.match(answer, { status: 503, body: /not-ready/ }, 'it stands still, and is known to');
  closeSync(openSync(pipe, 'w'));
  await warren.waitForLog((line) => line['origin'] === 'resumed');
  t.equal((await get(warren.url, '/health')).status, 200, 'its successor turns');
  t.equal(await currentIndex(warren.url), 1);
});

t.test('a process that was suspended for longer than the watchdog waits goes on', async (t) => {
  const warren = await startWarren(t, { env: { WATCHDOG_MS: `${WATCHDOG_MS}` } });
  await get(warren.url, '/next');
  warren.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 1.5 * WATCHDOG_MS));
  warren.kill('SIGCONT');
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '2');
  await new Promise((resolve) => setTimeout(resolve, 1.5 * WATCHDOG_MS));
  t.ok(warren.running, 'both threads were away together: neither blames the other');
  t.strictSame(
    warren.logs.filter(({ level }) => Number(level) >= 40),
    [],
  );
});

t.test('with WATCHDOG_MS=0 a main thread that stands at a breakpoint goes on where it was', async (t) => {
  const warren = await startWarren(t, { env: { WATCHDOG_MS: '0' }, nodeArgs: ['--import', PAUSE] });
  await get(warren.url, '/next');
  warren.kill('SIGUSR1');
  // The pause is longer than the watchdog waits by default.
  t.equal((await get(warren.url, '/next')).headers['sequence-index'], '2');
  t.ok(warren.running);
  t.strictSame(
    warren.logs.filter(({ level }) => Number(level) >= 40),
    [],
  );
});
