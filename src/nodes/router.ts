/**
 * The router takes each request to the node that owns its shard: into the queue of this process, or to another node. Runs on the main thread.
 *
 * The list of the nodes says which node should own a shard; the owner thread says which shards it does own. While a shard moves the two
 * differ, and the request is tried again after a while (`routed-request.ts`).
 */
import type { ProblemCode } from '../errors.js';
import { requestIdOf } from '../http/request-id.js';
import { Histogram, LATENCY_MS } from '../meter/histogram.js';
import type { Asker, Mailbox } from '../runtime/front/mailbox.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { LINK_PROBLEMS, PROBLEM } from '../runtime/link/reply-kind.js';
import { canReach, type NodeEntry, type Versions } from '../store/node-entry.js';
import type { PeerAnswer } from './peer-answer.js';
import type { PeerRequest, Peers } from './peers.js';
import { Placement } from './placement.js';
import { type Place, RoutedRequest, type RoutingContext } from './routed-request.js';

/** Method and path of a message over HTTP. */
export interface Target {
  readonly method: 'GET' | 'POST';
  /** The path before the key, and behind it. */
  readonly path: readonly [before: string, behind: string];
}

export interface RouterOptions {
  readonly owner: OwnerHandle;
  readonly peers: Peers;
  /** By message number. */
  readonly targets: readonly Target[];
  readonly askTimeoutMs: number;
  readonly onError: (error: unknown) => void;
}

const STANDBY = LINK_PROBLEMS.indexOf('standby');

export class Router implements Mailbox, RoutingContext {
  readonly #options: RouterOptions;
  #placement = new Placement([]);
  /** Cache of the placement: the node that should own a shard. */
  readonly #owners = new Map<number, NodeEntry | undefined>();
  #instance = '';
  /** By shard: the actors that it holds, as far as this node has read its fence. */
  readonly #holds: (Versions | undefined)[] = [];
  /** How long other nodes took to answer, in milliseconds. */
  readonly latency = new Histogram(LATENCY_MS);
  /** Requests that were sent to another node, by outcome. */
  readonly counts = { answered: 0, 'not-consumed': 0, unknown: 0 };

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** @param instance name of this node. */
  begin(instance: string): void {
    this.#instance = instance;
  }

  get instance(): string {
    return this.#instance;
  }

  get nodes(): readonly NodeEntry[] {
    return this.#placement.nodes;
  }

  /** Whether requests can be answered, by this node or by another one. */
  get ready(): boolean {
    return this.#placement.nodes.some(({ state }) => state === 'ready');
  }

  /** Takes the list of the living nodes. */
  see(nodes: readonly NodeEntry[]): void {
    this.#placement = new Placement(nodes);
    this.#owners.clear();
    const others = nodes.filter(({ instance }) => instance !== this.#instance);
    this.#options.peers.keep(others.map(({ address }) => address));
  }

  /** Takes what a shard holds. Nodes that cannot read that should not own the shard. */
  hold(shard: number, holds: Versions): void {
    this.#holds[shard] = holds;
    this.#owners.delete(shard);
  }

  ask(
    message: number,
    key: string,
    body: Uint8Array | undefined,
    asker: Asker,
    idempotency = '',
  ): number | undefined {
    const { owner } = this.#options;
    const shard = owner.shardOf(message, key);
    const queued = new QueuedRequest(this, asker, message, key, body, idempotency, shard);
    if (owner.stateOf(shard) === 'serving')
      return owner.askIn(shard, message, key, body, queued, idempotency);
    this.forward(queued);
    return undefined;
  }

  /** Takes a request to the node that owns its shard, which may be this node again. */
  forward({ message, key, body, idempotency, shard, at, asker }: QueuedRequest): void {
    const { targets, owner, askTimeoutMs } = this.#options;
    const { method, path } = targets[message] as Target;
    const { query, requestId, idempotencyKey } = asker.facts;
    const target = `${path[0]}${key}${path[1]}`;
    const request: PeerRequest = {
      method,
      path: query === '' ? target : `${target}?${query}`,
      headers: { requestId: requestIdOf(requestId), idempotencyKey },
      body: method === 'POST' ? body : undefined,
    };
    new RoutedRequest(this, {
      shard,
      request,
      query: method === 'GET',
      deadline: at + askTimeoutMs,
      asker,
      askHere: (responder) => owner.askIn(shard, message, key, body, responder, idempotency),
    }).begin();
  }

  /** Whether this node puts requests for the shard into its own queue. */
  isHere(shard: number): boolean {
    return this.placeOf(shard) === 'here';
  }

  placeOf(shard: number): Place {
    const state = this.#options.owner.stateOf(shard);
    if (state === 'serving') return 'here';
    const owner = this.#ownerOf(shard);
    // This node should own the shard, and the store is away: the request waits in the queue, as in a process without other nodes.
    if (owner?.instance === this.#instance) return state === 'away' ? 'here' : undefined;
    return owner && this.#reachable(owner);
  }

  find(instance: string): Place {
    const node = this.#placement.find(instance);
    return node && instance !== this.#instance ? this.#reachable(node) : undefined;
  }

  /** Name of the other node that should own the shard; undefined when this node should, or none is ready. */
  holderOf(shard: number): string | undefined {
    const owner = this.#ownerOf(shard);
    return owner?.instance === this.#instance ? undefined : owner?.instance;
  }

  /** Name of the node that should own the shard; undefined while no node is ready. */
  placedOn(shard: number): string | undefined {
    return this.#ownerOf(shard)?.instance;
  }

  send(address: string, request: PeerRequest, ms: number): Promise<PeerAnswer> {
    return this.#options.peers.send(address, request, ms);
  }

  now(): number {
    return performance.now();
  }

  after(ms: number, callback: () => void): () => void {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  }

  onForward({ kind }: PeerAnswer, ms: number): void {
    this.counts[kind] += 1;
    if (kind === 'answered') this.latency.record(ms);
  }

  onError(error: unknown): void {
    this.#options.onError(error);
  }

  #ownerOf(shard: number): NodeEntry | undefined {
    if (!this.#owners.has(shard)) {
      this.#owners.set(shard, this.#placement.ownerOf(shard, this.#holds[shard]));
    }
    return this.#owners.get(shard);
  }

  #reachable(node: NodeEntry): Place {
    const own = this.#placement.find(this.#instance);
    return !own || canReach(own, node) ? node : undefined;
  }
}

/** A request of a client in the queue of this node. When the shard is handed over before its turn, the request is forwarded. */
class QueuedRequest implements Responder {
  readonly #router: Router;
  readonly #asker: Asker;
  readonly message: number;
  readonly key: string;
  readonly body: Uint8Array | undefined;
  readonly idempotency: string;
  readonly shard: number;
  /** When the request arrived, in milliseconds of `performance.now()`. */
  readonly at = performance.now();

  /** @param body is copied. */
  constructor(
    router: Router,
    asker: Asker,
    message: number,
    key: string,
    body: Uint8Array | undefined,
    idempotency: string,
    shard: number,
  ) {
    this.#router = router;
    this.#asker = asker;
    this.message = message;
    this.key = key;
    this.body = body && body.length > 0 ? body.slice() : undefined;
    this.idempotency = idempotency;
    this.shard = shard;
  }

  get asker(): Asker {
    return this.#asker;
  }

  reply(view: ReplyView, bytes: Buffer): void {
    if (view.kind === PROBLEM && view.detail === STANDBY) this.refuse('standby');
    else this.#asker.reply(view, bytes);
  }

  refuse(code: ProblemCode): void {
    if (code === 'standby' && this.#asker.open) this.#router.forward(this);
    else this.#asker.refuse(code);
  }
}

/** The mailbox for requests that other nodes have forwarded. They go into the queue of this node or are answered 421, and are never forwarded again. */
export class LocalMailbox implements Mailbox {
  readonly #owner: OwnerHandle;
  readonly #router: Router;

  constructor(owner: OwnerHandle, router: Router) {
    this.#owner = owner;
    this.#router = router;
  }

  ask(
    message: number,
    key: string,
    body: Uint8Array | undefined,
    asker: Asker,
    idempotency = '',
  ): number | undefined {
    const shard = this.#owner.shardOf(message, key);
    if (this.#router.isHere(shard)) return this.#owner.askIn(shard, message, key, body, asker, idempotency);
    asker.misdirect(this.#router.holderOf(shard));
    return undefined;
  }
}
