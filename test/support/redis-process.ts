/**
 * A private redis-server: its own port on loopback, its own temporary folder, ended with the test. Ready means that
 * the server on the port answers and is the process started here, so no test ever talks to a Redis that it did not
 * start. Whether data outlives `restart()` depends on `appendOnly`; RDB snapshots are off, so that without it a
 * restart is a store that came back empty.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { ChildHandle, type Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { pause } from './pause.js';

/** Against tests that hang, however slow and busy the machine is. */
const READY_MS = 60_000;
const STOP_MS = 60_000;
const ANSWER_MS = 5_000;
const MAX_PORT_TRIES = 5;

export interface RedisOptions {
  /** Keep an append-only file, so that the data survive the process. Default false. */
  readonly appendOnly?: boolean;
  /** When the append-only file is synced to disk. Default 'everysec', as Redis itself. */
  readonly fsync?: 'always' | 'everysec' | 'no';
  /** Speak TLS, and nothing else, with this certificate and its key. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Commands under other names, from the name that each has: a server that does not do what it says. */
  readonly renamed?: readonly (readonly [from: string, to: string])[];
  /** Further directives of redis.conf, such as `maxmemory`. */
  readonly config?: { readonly requirepass?: string; readonly [directive: string]: string | undefined };
}

export async function startRedis(scope: Scope, options: RedisOptions = {}): Promise<RedisProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-redis-'));
  const redis = new RedisProcess(folder, options);
  scope.teardown(() => redis.close());
  await redis.begin();
  return redis;
}

export class RedisProcess {
  readonly folder: string;
  readonly #options: RedisOptions;
  #child: ChildHandle | null = null;
  #port = 0;

  /** Use `startRedis`, which also registers the end. */
  constructor(folder: string, options: RedisOptions) {
    this.folder = folder;
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** With credentials, when `requirepass` is set. */
  get url(): string {
    const password = this.#options.config?.requirepass;
    const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const scheme = this.#options.tls ? 'rediss' : 'redis';
    return `${scheme}://${credentials}127.0.0.1:${this.#port}`;
  }

  get hostPort(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get output(): string {
    return this.#child?.output ?? '';
  }

  /** The first start: another program may take the chosen port before Redis does, so try a few. */
  async begin(): Promise<void> {
    for (let tries = 1; ; tries++) {
      this.#port = await freePort();
      try {
        return await this.#start();
      } catch (error) {
        if (tries === MAX_PORT_TRIES || !this.output.includes('already in use')) throw error;
      }
    }
  }

  /** A clean end: Redis writes what it holds. */
  async stop(): Promise<void> {
    await this.#child?.stop(STOP_MS);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#child?.end();
  }

  /** The process stands still: connections stay open, nothing is answered. */
  pause(): void {
    this.#running().signal('SIGSTOP');
  }

  resume(): void {
    this.#running().signal('SIGCONT');
  }

  /** Same port, same folder; stops the process first when it still runs. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#start();
  }

  /** Keeps what is on the disk now, for `restartFromCopy`. It stands still meanwhile, so that the copy is of one moment. */
  async keepCopy(): Promise<void> {
    this.pause();
    await rm(this.#copy, { recursive: true, force: true });
    await cp(this.#log, this.#copy, { recursive: true });
    this.resume();
  }

  /** Comes back without what it has confirmed since `keepCopy`. It has been killed. */
  async restartFromCopy(): Promise<void> {
    await rm(this.#log, { recursive: true, force: true });
    await cp(this.#copy, this.#log, { recursive: true });
    await this.#start();
  }

  get #log(): string {
    return join(this.folder, 'appendonlydir');
  }

  get #copy(): string {
    return join(this.folder, 'copy');
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  #running(): ChildHandle {
    if (!this.#child?.running) throw new Error('redis-server is not running');
    return this.#child;
  }

  async #start(): Promise<void> {
    const { appendOnly = false, fsync = 'everysec', tls, renamed = [], config = {} } = this.#options;
    const port = String(this.#port);
    const directives = {
      ...(tls
        ? {
            port: '0',
            'tls-port': port,
            'tls-cert-file': tls.certFile,
            'tls-key-file': tls.keyFile,
            'tls-auth-clients': 'no',
          }
        : { port }),
      bind: '127.0.0.1',
      dir: this.folder,
      save: '',
      daemonize: 'no',
      appendonly: appendOnly ? 'yes' : 'no',
      appendfsync: fsync,
      ...config,
    };
    const args = Object.entries(directives).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    const renames = renamed.flatMap(([from, to]) => ['--rename-command', from, to]);
    const child = await ChildHandle.spawn({
      command: 'redis-server',
      args: [...args, ...renames],
      env: {},
      cwd: this.folder,
    });
    this.#child = child;
    const giveUpAt = performance.now() + READY_MS;
    const open = () => {
      const address = { port: this.#port, host: '127.0.0.1' };
      // Whether it is the right one is told by its process id.
      return tls ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
    };
    while (!(await isReady(open, child.pid, config.requirepass))) {
      if (child.running && performance.now() < giveUpAt) {
        await Promise.race([child.exited, pause()]);
        continue;
      }
      await child.end();
      throw new Error(`redis-server did not come up on port ${this.#port}; its output:\n${child.output}`);
    }
  }
}

/** PONG, not LOADING and not NOAUTH, and from that very process. */
async function isReady(open: () => Socket, pid: number, password: string | undefined): Promise<boolean> {
  const login =
    password === undefined ? '' : `*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`;
  return new Promise((resolve) => {
    let answer = '';
    const socket = open();
    const settle = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setEncoding('utf8').setTimeout(ANSWER_MS, () => settle(false));
    socket.on('connect', () => socket.write(`${login}PING\r\nINFO server\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk;
      const answering = /process_id:(\d+)\r\n/.exec(answer);
      if (answering !== null) settle(answer.includes('+PONG') && Number(answering[1]) === pid);
      else if (answer.startsWith('-') || answer.includes('\r\n-')) settle(false);
    });
    socket.on('error', () => settle(false));
    socket.on('close', () => settle(false));
  });
}
