/**
 * What a chaos run over several nodes breaks: the nodes, the proxy between each of them and their one Redis, that Redis, and the
 * connections between the nodes. The callers are spread over all nodes that stand.
 *
 *     callers ──> n1 ──> link 1 ──┐
 *     callers ──> n2 ──> link 2 ──┼──> Redis
 *     callers ──> n3 ──> link 3 ──┘
 *
 * There are no links to servers whose addresses come from Sentinel or from a cluster.
 */
import type { Scope } from '../support/child-handle.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/free-port.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { SeededRandom } from '../support/seeded-random.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import type { Breakable, ChaosWorld } from './chaos-world.js';
import { type Driven, finalIndexes } from './driven.js';
import { breakablesOf } from './node-faults.js';
import { type NodesRedis, type RedisKind, startNodesRedis } from './nodes-redis.js';
import { BOUNDS } from './world.js';

/** A request to a node that is suspended just then is sent again elsewhere. */
const ANSWER_MS = 3_500;
/** Against nodes that never serve again. */
const SERVES_WITHIN_MS = 120_000;

export interface ChaosNode {
  readonly instance: string;
  /** To Redis; undefined where there is no one address of it. */
  readonly link: FaultProxy | undefined;
  process: WarrenProcess;
  /** It runs, and is neither suspended nor about to end. */
  standing: boolean;
}

export interface NodesOptions {
  readonly nodes: number;
  readonly shards: number;
  readonly redis: RedisKind;
  /** The one kind of fault that happens; all of them when it is empty. */
  readonly only: string;
}

export class NodesWorld implements ChaosWorld {
  readonly nodes: readonly ChaosNode[];
  readonly redis: NodesRedis;
  readonly surprises: string[] = [];
  readonly breakables: readonly Breakable[];
  readonly #driven: Driven;
  /** Ends of these were ordered. */
  readonly #ordered = new Set<WarrenProcess>();

  static async start(scope: Scope, options: NodesOptions, driven: Driven): Promise<NodesWorld> {
    const redis = await startNodesRedis(scope, options.redis, options.shards);
    const nodes: ChaosNode[] = [];
    for (let at = 1; at <= options.nodes; at++) {
      const link = redis.port === undefined ? undefined : await startFaultProxy(scope, redis.port);
      const env = {
        ...BOUNDS,
        // The processor has more to do at a time.
        COMMIT_TIMEOUT_MS: '800',
        ...driven.env,
        SERVING_HOST_PORT: `127.0.0.1:${await freePort()}`,
        NODE_HOST_PORT: '',
        SHARDS: `${options.shards}`,
        INSTANCE_ID: `n${at}`,
        ...(link ? { REDIS_URL: `redis://127.0.0.1:${link.port}` } : redis.env),
      };
      const process = await startWarren(scope, { env });
      nodes.push({ instance: `n${at}`, link, process, standing: true });
    }
    return new NodesWorld(driven, redis, nodes, options.only);
  }

  private constructor(driven: Driven, redis: NodesRedis, nodes: readonly ChaosNode[], only: string) {
    this.#driven = driven;
    this.redis = redis;
    this.nodes = nodes;
    for (const { process } of nodes) this.#watch(process);
    this.breakables = breakablesOf(this, only);
  }

  get output(): string {
    return this.nodes.map(({ instance, process }) => `${instance}:\n${process.output}`).join('\n');
  }

  /** Callers of a node that does not stand go to the next one, as behind a load balancer. Every fourth does not notice that. */
  urlFor(client: number): string {
    const { nodes } = this;
    const own = nodes[client % nodes.length] as ChaosNode;
    if (own.standing || (client % 4 === 0 && own.process.running)) return own.process.url;
    const next = nodes.find((_, at) => (nodes[(client + at) % nodes.length] as ChaosNode).standing);
    const at = next ? nodes.indexOf(next) : 0;
    return (nodes[(client + at) % nodes.length] as ChaosNode).process.url;
  }

  observe(): void {}

  /** Every key is read at a node that stands. */
  async serves(): Promise<void> {
    const giveUpAt = performance.now() + SERVES_WITHIN_MS;
    const keys = Array.from({ length: this.#driven.subject.keys }, (_, key) => key);
    await Promise.all(keys.map((key) => this.#answered(key, giveUpAt)));
  }

  async ready(withinMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + withinMs;
    for (const node of this.nodes) {
      while (!(await this.#isReady(node))) {
        if (performance.now() > giveUpAt) return false;
        await pause();
      }
    }
    return this.serves().then(
      () => true,
      () => false,
    );
  }

  async restart(): Promise<void> {
    for (const node of this.nodes) await this.kill(node);
    for (const node of this.nodes) await this.begin(node);
  }

  finalIndexes(withinMs: number): Promise<number[]> {
    return finalIndexes((this.nodes[0] as ChaosNode).process.url, this.#driven, withinMs);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await this.end(node);
  }

  async kill(node: ChaosNode): Promise<void> {
    node.standing = false;
    this.#ordered.add(node.process);
    node.process.kill();
    await node.process.exited;
  }

  /** As an operator stops it: it gives away what it owns. */
  async end(node: ChaosNode): Promise<void> {
    node.standing = false;
    this.#ordered.add(node.process);
    const code = await node.process.stop();
    if (code !== 0)
      this.surprises.push(
        `the clean stop of ${node.instance} ended with code ${code}:\n${node.process.output}`,
      );
  }

  /** Starts the node, which has ended, with the name that it had. */
  async begin(node: ChaosNode): Promise<void> {
    node.process = await node.process.again();
    node.standing = true;
    this.#watch(node.process);
  }

  async #isReady({ process }: ChaosNode): Promise<boolean> {
    const answer = await get(process.url, '/ready', { timeoutMs: ANSWER_MS }).catch(() => undefined);
    return answer?.status === 200;
  }

  async #answered(key: number, giveUpAt: number): Promise<void> {
    const { path } = this.#driven.subject.request('current', key, new SeededRandom(0));
    for (let tries = key; ; tries++) {
      const standing = this.nodes.filter((node) => node.standing);
      const node = standing[tries % Math.max(1, standing.length)];
      const answer =
        node && (await get(node.process.url, path, { timeoutMs: ANSWER_MS }).catch(() => undefined));
      if (answer?.status === 200) return;
      if (performance.now() > giveUpAt)
        throw new Error(`key ${key} is answered no more: ${answer?.status} ${answer?.body}`);
      await pause();
    }
  }

  #watch(process: WarrenProcess): void {
    process.exited.then(({ code, signal }) => {
      if (this.#ordered.has(process)) return;
      const tail = process.output.slice(-2_000);
      this.surprises.push(`a node ended by itself, code ${code}, signal ${signal}:\n${tail}`);
    });
  }
}
