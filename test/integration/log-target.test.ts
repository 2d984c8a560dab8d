/** The log's target is full, is not read, or is gone: lines may be lost, service may not. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ChildHandle } from '../support/child-handle.js';
import { freePort } from '../support/free-port.js';
import { createAgent, get } from '../support/http-client.js';
import { pause } from '../support/pause.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
/** More than any pipe and what waits behind it take, since each problem is a line of some 150 bytes. */
const REQUESTS = 4_500;
const CLIENTS = 16;

interface Target {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
}

async function target(): Promise<Target> {
  const port = await freePort();
  const address = { SERVING_HOST_PORT: `127.0.0.1:${port}`, ADMIN_HOST_PORT: '', STORE: 'memory' };
  return { url: `http://127.0.0.1:${port}`, env: { ...address, LOG_LEVEL: 'debug', WATCHDOG_MS: '4000' } };
}

/** The server behind a redirection that a shell makes. */
async function behind(t: Test, redirection: string, env: Target['env']): Promise<ChildHandle> {
  const script = `${redirection}; exec "$0" "$1"`;
  const args = ['-c', script, process.execPath, MAIN];
  const child = await ChildHandle.spawn({ command: '/bin/sh', args, env });
  t.teardown(async () => void (await child.end()));
  return child;
}

/** Node gives a child a socket where other programs give a pipe. */
function onSocket(t: Test, env: Target['env']): ChildProcessByStdio<null, Readable, null> {
  // Through `env -i`, as in `ChildHandle`.
  const args = [
    '-i',
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    process.execPath,
    MAIN,
  ];
  const child = spawn('/usr/bin/env', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => void child.kill('SIGKILL'));
  return child;
}

async function serves(url: string): Promise<void> {
  while ((await get(url, '/ready').catch(() => undefined))?.status !== 200) await pause();
}

/** Each is a line of the log. */
async function causeProblems(url: string): Promise<void> {
  const agent = createAgent(url);
  let left = REQUESTS;
  const client = async () => {
    while (left-- > 0) await get(url, '/nowhere', { agent });
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
}

t.test('a full disk: no line is written, every request is answered, and the stop is clean', async (t) => {
  const { url, env } = await target();
  const child = await behind(t, 'exec > /dev/full', env);
  await serves(url);
  for (let index = 1; index <= 10; index++) {
    t.equal((await get(url, '/next')).headers['sequence-index'], `${index}`);
    await get(url, '/nowhere');
  }
  child.signal('SIGTERM');
  t.strictSame(await child.exited, { code: 0, signal: null });
});

t.test(
  'a pipe that nobody reads: service goes on, the lost lines are counted, and the last ones come',
  async (t) => {
    const { url, env } = await target();
    const folder = await mkdtemp(join(tmpdir(), 'warren-log-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const pipe = join(folder, 'pipe');
    // The reading end that keeps the pipe open is never read from.
    const child = await behind(t, `mkfifo ${pipe}; exec 3<>${pipe}; exec > ${pipe}`, env);
    await serves(url);
    await causeProblems(url);
    t.equal((await get(url, '/next')).headers['sequence-index'], '1');
    let text = '';
    const reader = createReadStream(pipe, { encoding: 'utf8' });
    t.teardown(() => void reader.destroy());
    const closed = once(reader, 'close');
    reader.on('data', (chunk) => {
      text += chunk;
    });
    while (!text.includes('log lines were lost')) await pause();
    child.signal('SIGTERM');
    t.strictSame(await child.exited, { code: 0, signal: null });
    await closed;
    const lines = text.trim().split('\n');
    const parsed = lines.map((line) => JSON.parse(line));
    t.match(parsed.at(0), { msg: 'listening' });
    t.match(parsed.at(-1), { msg: 'stopped' });
    const lost = parsed.filter(({ msg }) => msg === 'log lines were lost').map(({ count }) => count);
    const told = parsed.filter(({ code }) => code === 'not-found').length;
    t.equal(told + lost.reduce((a, b) => a + b, 0), REQUESTS, 'each line is there, or counted');
  },
);

t.test('a socket that nobody reads, as a service manager has one: service goes on', async (t) => {
  const { url, env } = await target();
  const child = onSocket(t, env);
  await serves(url);
  await causeProblems(url);
  t.equal((await get(url, '/next')).status, 200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  t.strictSame(await exited, [0, null]);
});

t.test('a reader that is gone: service goes on', async (t) => {
  const { url, env } = await target();
  const child = onSocket(t, env);
  child.stdout.destroy();
  await serves(url);
  await get(url, '/nowhere');
  t.equal((await get(url, '/next')).status, 200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  t.strictSame(await exited, [0, null]);
});
