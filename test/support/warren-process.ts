/**
 * The real server as a child process, on a port of its own and with a data folder of its own. It sees only the
 * environment given here, so the machine's variables cannot change a test. What it logs (JSON lines on standard
 * output) is kept as parsed lines; the line `listening` tells host and port. `again()` starts a successor on the same
 * data and the same port, so that clients and proxies find it where its predecessor was; the data folder then belongs
 * to the successor, and goes with the last of them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildHandle, type Exit, type Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { type LogLine, LogTail } from './log-tail.js';

const MAIN = new URL('../../src/main.js', import.meta.url);
/** Against tests that hang, however slow and busy the machine is; no test depends on them. */
const LISTENING_MS = 60_000;
const STOP_MS = 60_000;
const LOG_MS = 60_000;

/**
 * The server's own limits, so wide that a machine that is slow or busy reaches none of them. A test of such a limit sets it
 * for itself.
 */
const PATIENCE = {
  SHED_AFTER_MS: '60000',
  ASK_TIMEOUT_MS: '60000',
  WATCHDOG_MS: '30000',
  SHUTDOWN_TIMEOUT_MS: '60000',
};

export interface ServerEnv {
  readonly DATA_DIR?: string;
  readonly [name: string]: string;
}

export interface WarrenOptions {
  readonly env?: ServerEnv;
  /** The program to run; the built server by default. */
  readonly entry?: URL;
  readonly args?: readonly string[];
  /** Options of Node itself, such as `--max-old-space-size=64`. */
  readonly nodeArgs?: readonly string[];
  readonly listeningMs?: number;
}

/** Starts the server and waits until it listens. */
export async function startWarren(scope: Scope, options: WarrenOptions = {}): Promise<WarrenProcess> {
  const warren = await spawnWarren(scope, options);
  await warren.listening();
  return warren;
}

/** Starts the server without waiting: for one that is expected to end, or to listen late. */
export async function spawnWarren(scope: Scope, options: WarrenOptions = {}): Promise<WarrenProcess> {
  const ownFolder =
    options.env?.DATA_DIR === undefined ? await mkdtemp(join(tmpdir(), 'warren-data-')) : null;
  const env = {
    // Not port 0: uWebSockets.js then leaves SO_REUSEADDR out, and connections that linger after a kill would keep a
    // successor from the port.
    SERVING_HOST_PORT: `127.0.0.1:${await freePort()}`,
    // Its default port belongs to whoever comes first; a test that wants the listener asks for port 0.
    ADMIN_HOST_PORT: '',
    // Most tests are about one shard. Those of nodes say what they want.
    SHARDS: '1',
    NODE_HOST_PORT: 'none',
    // Tests of a take-over wait for it.
    LEASE_MS: '1000',
    ...PATIENCE,
    ...graceOf(options.env),
    ...(ownFolder === null ? {} : { DATA_DIR: ownFolder }),
    ...options.env,
  };
  return WarrenProcess.spawn(scope, options, env, ownFolder);
}

/**
 * How long requests are held, unless the test says so: a busy machine is no outage. A store of its own is never away, however slow the disk is. A test
 * that takes Redis away waits for this grace.
 */
function graceOf(env: ServerEnv = {}): ServerEnv {
  const names = ['REDIS_URL', 'REDIS_HOST_PORT', 'REDIS_SENTINELS', 'REDIS_CLUSTER'];
  const isLocal = env['STORE'] !== 'redis' && names.every((name) => env[name] === undefined);
  const graceMs = isLocal ? 15_000 : 4_000;
  const askMs = Number(env['ASK_TIMEOUT_MS'] ?? PATIENCE.ASK_TIMEOUT_MS);
  const commitMs = Number(env['COMMIT_TIMEOUT_MS'] ?? 0);
  return commitMs + 2 * graceMs <= askMs ? { STORE_GRACE_MS: String(graceMs) } : {};
}

export class WarrenProcess {
  readonly #scope: Scope;
  readonly #options: WarrenOptions;
  readonly #env: ServerEnv;
  readonly #child: ChildHandle;
  readonly #tail: LogTail;
  /** Null when the caller named the folder, or when a successor has taken it over. */
  #ownFolder: string | null;

  /** Use `startWarren` or `spawnWarren`. */
  static async spawn(
    scope: Scope,
    options: WarrenOptions,
    env: ServerEnv,
    ownFolder: string | null,
  ): Promise<WarrenProcess> {
    const { entry = MAIN, nodeArgs = [], args = [] } = options;
    const command = ['--enable-source-maps', ...nodeArgs, fileURLToPath(entry), ...args];
    const child = await ChildHandle.spawn({ command: process.execPath, args: command, env });
    const warren = new WarrenProcess(scope, options, env, ownFolder, child);
    scope.teardown(() => warren.close());
    return warren;
  }

  private constructor(
    scope: Scope,
    options: WarrenOptions,
    env: ServerEnv,
    ownFolder: string | null,
    child: ChildHandle,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#env = env;
    this.#ownFolder = ownFolder;
    this.#child = child;
    this.#tail = new LogTail(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get exited(): Promise<Exit> {
    return this.#child.exited;
  }

  get running(): boolean {
    return this.#child.running;
  }

  get dataDir(): string {
    return this.#env.DATA_DIR ?? '';
  }

  get logs(): readonly LogLine[] {
    return this.#tail.lines;
  }

  /** Standard output and standard error as they came, the last part of it. */
  get output(): string {
    return this.#child.output;
  }

  get port(): number {
    const port = this.logs.find(isListening)?.port;
    if (typeof port !== 'number') throw new Error('the server does not listen yet');
    return port;
  }

  /** On loopback, whatever address it is bound to. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Of the admin listener; the test has set ADMIN_HOST_PORT. */
  get adminUrl(): string {
    const admin = this.logs.find(isListening)?.['admin'];
    if (typeof admin !== 'string') throw new Error('the server has no admin listener');
    return admin;
  }

  /** Rejects with the child's output when it ends first or is late. */
  async listening(withinMs = this.#options.listeningMs ?? LISTENING_MS): Promise<void> {
    await this.waitForLog(isListening, withinMs);
  }

  /** The first line that fits, of those already logged and those to come. */
  waitForLog(fits: (line: LogLine) => boolean, withinMs = LOG_MS): Promise<LogLine> {
    return this.#tail.waitFor(fits, withinMs);
  }

  /** SIGTERM; resolves with the exit code, null when a signal ended it. */
  async stop(withinMs = STOP_MS): Promise<number | null> {
    return (await this.#child.stop(withinMs)).code;
  }

  /** Sends the signal and returns; `exited` tells when it has had its effect. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.signal(signal);
  }

  /** A successor on the same data and ports, once this one is gone; waits until it listens. */
  async again(changes: ServerEnv = {}): Promise<WarrenProcess> {
    if (this.running) throw new Error('the predecessor still runs: stop or kill it first');
    const listened = this.logs.find(isListening);
    const address = listened === undefined ? {} : addressesIn(listened);
    const ownFolder = this.#ownFolder;
    this.#ownFolder = null;
    const env = { ...this.#env, ...address, ...changes };
    const successor = await WarrenProcess.spawn(this.#scope, this.#options, env, ownFolder);
    await successor.listening();
    return successor;
  }

  async close(): Promise<void> {
    await this.#child.end();
    const folder = this.#ownFolder;
    this.#ownFolder = null;
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

function addressesIn({ host, port, admin }: LogLine): ServerEnv {
  const serving = { SERVING_HOST_PORT: `${host}:${port}` };
  return typeof admin === 'string' ? { ...serving, ADMIN_HOST_PORT: new URL(admin).host } : serving;
}

function isListening(line: LogLine): boolean {
  return line.msg === 'listening';
}
