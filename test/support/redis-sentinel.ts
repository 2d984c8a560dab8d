/** Private Sentinels that watch a master of the test, each a process of its own, ended with the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildHandle, type Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { pause } from './pause.js';
import { redisCommand } from './redis-command.js';
import type { RedisProcess } from './redis-process.js';

/** Against tests that hang, however slow and busy the machine is. */
const READY_MS = 60_000;
const COUNT = 3;
const MASTER = 'mymaster';

export interface SentinelOptions {
  /** A server that is silent for so long counts as down. */
  readonly downAfterMs: number;
  /** Further lines of their configuration. */
  readonly lines?: readonly string[];
  /** They speak TLS, and so do the servers. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

export class Sentinels {
  readonly #ports: readonly number[];
  readonly #scheme: string;

  constructor(ports: readonly number[], scheme: string) {
    this.#ports = ports;
    this.#scheme = scheme;
  }

  /** As of REDIS_SENTINELS. */
  get list(): string {
    return this.#ports.map((port) => `127.0.0.1:${port}`).join(',');
  }

  get urls(): readonly string[] {
    return this.#ports.map((port) => `${this.#scheme}://127.0.0.1:${port}`);
  }

  /** The port of the master, as the Sentinel with that number knows it. */
  async masterPort(at = 0): Promise<number> {
    const url = this.urls[at] as string;
    const answer = await redisCommand({ url }, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
    return Number((answer as string[])[1]);
  }

  /** Resolves when the fail-over has begun. */
  async failOver(): Promise<void> {
    for (;;) {
      try {
        await redisCommand({ url: this.urls[0] as string }, 'SENTINEL', 'FAILOVER', MASTER);
        return;
      } catch (error) {
        // One is under way, or the replica was heard of too long ago.
        if (!/INPROG|NOGOODSLAVE/.test(String(error))) throw error;
        await pause();
      }
    }
  }

  async untilMaster(port: number): Promise<void> {
    for (let at = 0; at < this.#ports.length; at++) {
      while ((await this.masterPort(at)) !== port) await pause();
    }
  }
}

/** Resolves when all of them know each other, the master and its replica. */
export async function startSentinels(
  scope: Scope,
  master: RedisProcess,
  { downAfterMs, lines = [], tls }: SentinelOptions,
): Promise<Sentinels> {
  const ports: number[] = [];
  for (let at = 0; at < COUNT; at++) {
    const port = await freePort();
    const listen = tls
      ? [
          'port 0',
          `tls-port ${port}`,
          `tls-cert-file ${tls.certFile}`,
          `tls-key-file ${tls.keyFile}`,
          `tls-ca-cert-file ${tls.certFile}`,
          'tls-auth-clients no',
          'tls-replication yes',
        ]
      : [`port ${port}`];
    await startSentinel(scope, [
      ...listen,
      'bind 127.0.0.1',
      `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`,
      `sentinel failover-timeout ${MASTER} 5000`,
      ...lines,
    ]);
    ports.push(port);
  }
  const sentinels = new Sentinels(ports, tls ? 'rediss' : 'redis');
  for (const url of sentinels.urls) await untilReady(url);
  return sentinels;
}

async function startSentinel(scope: Scope, lines: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  // It writes what it learns into the same file.
  await writeFile(file, `${[...lines, `dir ${folder}`].join('\n')}\n`);
  // Not the program redis-sentinel: it is in a package of its own.
  const args = [file, '--sentinel'];
  const child = await ChildHandle.spawn({ command: 'redis-server', args, env: {}, cwd: folder });
  scope.teardown(async () => {
    await child.end();
    await rm(folder, { recursive: true, force: true });
  });
}

async function untilReady(url: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    try {
      const fields = (await redisCommand({ url }, 'SENTINEL', 'MASTER', MASTER)) as string[];
      const of = (field: string) => fields[fields.indexOf(field) + 1];
      if (of('flags') === 'master' && of('num-slaves') === '1' && of('num-other-sentinels') === '2') return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    if (performance.now() > giveUpAt) throw new Error(`the Sentinel at ${url} is not ready`);
    await pause();
  }
}
