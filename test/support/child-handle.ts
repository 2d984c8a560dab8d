/**
 * One child process of a test: its output, its end, and the promise that it does not outlive the test. Signals go
 * through the handle, never to a name. Two things end a child: `end()`, which a teardown calls, and a guard for the
 * case that the test process itself is killed: a shell that reads from a pipe only this process holds open. When the
 * pipe closes without a word, whatever the reason, the guard kills the child.
 *
 *     test process ──spawns──> child
 *          └──────── pipe ───> guard (sh) ── on end of file ──> SIGKILL to the child
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const OUTPUT_LIMIT_CHARS = 256 * 1024;
const LAST_OUTPUT_MS = 250;
const GUARD_SCRIPT = 'trap "" INT TERM HUP; read -r word; [ "$word" = over ] || kill -9 "$1"';

/** Where a test registers what must end with it; a tap test is one. */
export interface Scope {
  teardown(end: () => Promise<void>): unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** All that the child sees of an environment, besides PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class ChildHandle {
  readonly pid: number;
  /** Settles once the process is gone and its last output has been read; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #output = '';
  #exit: Exit | null = null;

  /**
   * Started through `env -i`, which becomes the command under the same pid: the test runner adds its own loader to the
   * environment of every child, and a server under test must be the one that runs elsewhere.
   */
  static async spawn(spec: ChildSpec): Promise<ChildHandle> {
    const { PATH = '' } = process.env;
    const env = Object.entries({ PATH, ...spec.env }).map(([name, value]) => `${name}=${value}`);
    const child = spawn('/usr/bin/env', ['-i', ...env, spec.command, ...spec.args], {
      cwd: spec.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    return new ChildHandle(child);
  }

  private constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('a spawned child has a pid');
    this.pid = child.pid;
    this.#child = child;
    this.onOutput((chunk) => {
      this.#output = (this.#output + chunk).slice(-OUTPUT_LIMIT_CHARS);
    });
    const closed = once(child, 'close');
    const dismissGuard = guard(this.pid);
    this.exited = once(child, 'exit').then(async ([code, signal]) => {
      this.#exit = { code, signal };
      dismissGuard();
      // A grandchild may hold the pipes open for long; what the child itself wrote is there at once.
      await Promise.race([closed, delay(LAST_OUTPUT_MS, undefined, { ref: false })]);
      return { code, signal };
    });
  }

  get running(): boolean {
    return this.#exit === null;
  }

  /** The last 256 Ki characters of standard output and standard error together. */
  get output(): string {
    return this.#output;
  }

  onStdout(listener: (chunk: string) => void): void {
    this.#child.stdout?.setEncoding('utf8').on('data', listener);
  }

  onOutput(listener: (chunk: string) => void): void {
    this.onStdout(listener);
    this.#child.stderr?.setEncoding('utf8').on('data', listener);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL when that did not end it in time. A stopped process is woken first, or it could not obey. */
  async stop(deadlineMs: number): Promise<Exit> {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const controller = new AbortController();
    const late = delay(deadlineMs, 'late' as const, { signal: controller.signal }).catch(
      () => 'late' as const,
    );
    const first = await Promise.race([this.exited, late]);
    controller.abort();
    if (first !== 'late') return first;
    await this.end();
    throw new Error(`process ${this.pid} ignored SIGTERM for ${deadlineMs} ms; its output:\n${this.output}`);
  }

  async end(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }
}

function guard(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  // Without a shell there is no guard; teardowns still end the child.
  shell.on('error', () => {});
  shell.stdin?.on('error', () => {});
  return () => shell.stdin?.end('over\n');
}
