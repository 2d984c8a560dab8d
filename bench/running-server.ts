/** A contestant that runs: started, checked, watched, and ended by its handle. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildHandle } from '../test/support/child-handle.js';
import { LogTail } from '../test/support/log-tail.js';
import { type Contestant, prepare } from './contestants.js';
import type { ControlGroup } from './control-group.js';
import { cpuSeconds, residentMb } from './process-usage.js';
import { checkAnswers } from './right-answers.js';
import type { Teardowns } from './teardowns.js';

const LISTENING_MS = 20_000;
const POLL_MS = 5;
const STOP_MS = 15_000;
/** A server counts as idle when it uses less than a tenth of a CPU over this time. */
const IDLE_SAMPLE_MS = 60;
const IDLE_SHARE = 0.1;

export interface StartOptions {
  readonly initialIndex: number;
  readonly group?: ControlGroup | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

export class RunningServer {
  readonly contestant: Contestant;
  readonly port: number;
  readonly #child: ChildHandle;

  /** Resolves when the server has given right answers. */
  static async start(
    scope: Teardowns,
    contestant: Contestant,
    { initialIndex, group, env }: StartOptions,
  ): Promise<RunningServer> {
    if (contestant.port && (await canConnect(contestant.port))) {
      throw new Error(`port ${contestant.port} of ${contestant.name} is taken`);
    }
    const prepared = { ...(await prepare(scope, contestant, initialIndex)), ...env };
    const { command, args } = group ? group.enclose(contestant) : contestant;
    const child = await ChildHandle.spawn({ command, args, env: prepared });
    scope.teardown(() => child.end());
    const port = contestant.port ?? (await announced(child));
    await untilConnected(contestant.name, child, port);
    // Without a database of its own a server stands where it was told to; one that keeps its state says where.
    await checkAnswers(contestant, port, contestant.kind === 'peer' ? initialIndex : undefined);
    return new RunningServer(contestant, child, port);
  }

  private constructor(contestant: Contestant, child: ChildHandle, port: number) {
    this.contestant = contestant;
    this.#child = child;
    this.port = port;
  }

  get running(): boolean {
    return this.#child.running;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get output(): string {
    return this.#child.output;
  }

  cpuSeconds(): number {
    return cpuSeconds(this.#child.pid);
  }

  /** Resident memory now, in MiB. */
  memoryMb(): number {
    return residentMb(this.#child.pid, 'VmRSS');
  }

  /** Resident memory at its highest, in MiB. */
  peakMemoryMb(): number {
    return residentMb(this.#child.pid, 'VmHWM');
  }

  /** Whether it comes to rest: a slow server may still work on requests whose clients have left. */
  async settles(withinMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + withinMs;
    do {
      const before = this.cpuSeconds();
      await delay(IDLE_SAMPLE_MS);
      if (this.cpuSeconds() - before < (IDLE_SAMPLE_MS / 1000) * IDLE_SHARE) return true;
    } while (performance.now() < giveUpAt);
    return false;
  }

  /** SIGTERM, then SIGKILL. */
  async stop(): Promise<void> {
    await this.#child.stop(STOP_MS);
  }

  /** SIGKILL. */
  async end(): Promise<void> {
    await this.#child.end();
  }
}

async function announced(child: ChildHandle): Promise<number> {
  const { port } = await new LogTail(child).waitFor(({ msg }) => msg === 'listening', LISTENING_MS);
  return Number(port);
}

async function untilConnected(name: string, child: ChildHandle, port: number): Promise<void> {
  const giveUpAt = performance.now() + LISTENING_MS;
  while (!(await canConnect(port))) {
    if (!child.running || performance.now() > giveUpAt) {
      throw new Error(`${name} does not listen on port ${port}; its output:\n${child.output}`);
    }
    await delay(POLL_MS);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
