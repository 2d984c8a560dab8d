/** A contestant that runs: started, known to answer, measured, and killed with all its processes. */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildHandle } from '../../test/support/child-handle.js';
import { type ActorLoad, loadActors } from '../load/actor-load.js';
import type { Sample } from '../measurement.js';
import type { Teardowns } from '../teardowns.js';
import { add, numberOf } from './counter-client.js';
import { killTree, treeCpuSeconds, treeMemoryMb, treeOf } from './process-tree.js';
import type { RaceContestant, RaceFiles } from './race-contestants.js';

const READY_MS = 60_000;
const POLL_MS = 20;
/** A server is at rest when it uses less than a tenth of a CPU over this time. */
const REST_SAMPLE_MS = 60;
const REST_SHARE = 0.1;
const REST_MS = 1_500;

export class RaceServer {
  readonly contestant: RaceContestant;
  readonly port: number;
  /** The number that it answered first. */
  readonly first: number;
  readonly #children: readonly ChildHandle[];

  /** Resolves when it has answered with a number. */
  static async start(scope: Teardowns, contestant: RaceContestant, files: RaceFiles): Promise<RaceServer> {
    const { port, children } = await contestant.start(scope, files);
    const agent = new Agent({ keepAlive: false });
    const giveUpAt = performance.now() + READY_MS;
    for (;;) {
      const answer = await add(port, agent).catch((error: unknown) => ({ status: 0, body: String(error) }));
      const first = numberOf(answer);
      if (first !== undefined) return new RaceServer(contestant, port, first, children);
      if (performance.now() > giveUpAt || children.some(({ running }) => !running)) {
        const outputs = children.map(({ output }) => output).join('\n');
        throw new Error(`${contestant.name} answers ${answer.status} ${answer.body}\n${outputs}`);
      }
      await delay(POLL_MS);
    }
  }

  private constructor(
    contestant: RaceContestant,
    port: number,
    first: number,
    children: readonly ChildHandle[],
  ) {
    this.contestant = contestant;
    this.port = port;
    this.first = first;
    this.#children = children;
  }

  get pids(): number[] {
    return treeOf(this.#roots);
  }

  get #roots(): number[] {
    return this.#children.filter(({ running }) => running).map(({ pid }) => pid);
  }

  /** One run of load. CPU and memory are those of all its processes. */
  async timed(scope: Teardowns, load: Omit<ActorLoad, 'port'>): Promise<Sample> {
    const before = treeCpuSeconds(this.#roots);
    const result = await loadActors(scope, { ...load, port: this.port });
    const used = treeCpuSeconds(this.#roots) - before;
    if (this.#roots.length < this.#children.length) {
      const outputs = this.#children.map(({ output }) => output).join('\n');
      throw new Error(`${this.contestant.name} ended under load:\n${outputs}`);
    }
    return {
      ...result,
      requestsPerSecond: result.requests / result.seconds,
      cpuMicroseconds: result.requests > 0 ? (used * 1e6) / result.requests : Number.NaN,
      peakMemoryMb: treeMemoryMb(this.#roots),
    };
  }

  /** Waits until it has done with the requests whose clients have left, as far as it does so soon. */
  async rest(): Promise<void> {
    const giveUpAt = performance.now() + REST_MS;
    while (performance.now() < giveUpAt) {
      const before = treeCpuSeconds(this.#roots);
      await delay(REST_SAMPLE_MS);
      if (treeCpuSeconds(this.#roots) - before < (REST_SAMPLE_MS / 1000) * REST_SHARE) return;
    }
  }

  /** SIGKILL to all its processes at once. Resolves when they are gone. */
  async kill(): Promise<void> {
    killTree(this.#roots);
    await Promise.all(this.#children.map((child) => child.end()));
  }
}
