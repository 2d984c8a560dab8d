/** A server of counters that runs: Warren or a peer, started, watched, and ended by its handle. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../test/support/child-handle.js';
import { LogTail } from '../test/support/log-tail.js';
import { type ActorLoad, loadActors } from './load/actor-load.js';
import type { Sample } from './measurement.js';
import { cpuSeconds, residentMb } from './process-usage.js';
import type { Teardowns } from './teardowns.js';

export interface ActorContestant {
  readonly name: string;
  /** Relative to this file. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

const COUNTER = fileURLToPath(new URL('./actors/counter.js', import.meta.url));
const LISTENING_MS = 30_000;
const STOP_MS = 30_000;
const POLL_MS = 5;

export const BARE: ActorContestant = {
  name: 'bare uWebSockets.js',
  entry: './peers/bare-counter.js',
  env: {},
};

/** @param folder of its own. */
export function twentyLines(folder: string): ActorContestant {
  return { name: 'twenty lines by hand', entry: './peers/twenty-lines.js', env: { DATA_DIR: folder } };
}

export function warrenActors(name: string, env: Readonly<Record<string, string>>): ActorContestant {
  return {
    name,
    entry: '../src/main.js',
    env: {
      ACTORS: COUNTER,
      SERVING_HOST_PORT: '127.0.0.1:0',
      ADMIN_HOST_PORT: '127.0.0.1:0',
      LOG_LEVEL: 'info',
      ...env,
    },
  };
}

export class ActorServer {
  readonly contestant: ActorContestant;
  readonly port: number;
  /** Of the admin listener; empty where there is none. */
  readonly adminUrl: string;
  readonly #child: ChildHandle;

  /** Resolves when it has answered a command. */
  static async start(scope: Teardowns, contestant: ActorContestant): Promise<ActorServer> {
    const child = await ChildHandle.spawn({
      command: process.execPath,
      args: [fileURLToPath(new URL(contestant.entry, import.meta.url))],
      env: { NODE_ENV: 'production', ...contestant.env },
    });
    scope.teardown(() => child.end());
    const { port, admin } = await new LogTail(child).waitFor(({ msg }) => msg === 'listening', LISTENING_MS);
    const server = new ActorServer(contestant, child, Number(port), String(admin ?? ''));
    await server.#untilRight();
    return server;
  }

  private constructor(contestant: ActorContestant, child: ChildHandle, port: number, adminUrl: string) {
    this.contestant = contestant;
    this.#child = child;
    this.port = port;
    this.adminUrl = adminUrl;
  }

  async timed(scope: Teardowns, load: Omit<ActorLoad, 'port'>): Promise<Sample> {
    const before = cpuSeconds(this.#child.pid);
    const result = await loadActors(scope, { ...load, port: this.port });
    const used = cpuSeconds(this.#child.pid) - before;
    if (!this.#child.running)
      throw new Error(`${this.contestant.name} ended under load:\n${this.#child.output}`);
    return {
      ...result,
      requestsPerSecond: result.requests / result.seconds,
      cpuMicroseconds: result.requests > 0 ? (used * 1e6) / result.requests : Number.NaN,
      peakMemoryMb: this.peakMemoryMb(),
    };
  }

  /** Resident memory at its highest, in MiB. */
  peakMemoryMb(): number {
    return residentMb(this.#child.pid, 'VmHWM');
  }

  /** A new owner of a Redis waits before it trusts it. */
  async #untilRight(): Promise<void> {
    const giveUpAt = performance.now() + LISTENING_MS;
    for (;;) {
      const url = `http://127.0.0.1:${this.port}/counter/k0/add`;
      const response = await fetch(url, { method: 'POST', body: '{"by":1}' });
      const body = await response.text();
      if (response.status === 200 && /^\d+$/.test(body)) return;
      if (response.status !== 503 || performance.now() > giveUpAt)
        throw new Error(`${this.contestant.name} answers ${response.status} ${body}`);
      await delay(POLL_MS);
    }
  }

  /** SIGTERM, and it ends well. */
  async stop(): Promise<void> {
    await this.#child.stop(STOP_MS);
  }

  /** SIGKILL. */
  async end(): Promise<void> {
    await this.#child.end();
  }
}
