/**
 * Takes each request to the node that has its actor: to the owner of this process, or to another node. On the main thread.
 *
 * The list of the nodes says who should own a shard, and the owner thread says which ones it does own. Where the two differ, because a shard moves, the request
 * is asked for again after a while: see `journey.ts`.
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
import { type Itinerary, Journey, type Place } from './journey.js';
import type { PeerAnswer } from './peer-answer.js';
import type { PeerRequest, Peers } from './peers.js';
import { Placement } from './placement.js';

/** How a message is asked for over HTTP. */
export interface Target {
  readonly method: 'GET' | 'POST';
  /** Before and behind the key. */
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

export class Router implements Mailbox, Itinerary {
  readonly #options: RouterOptions;
  #placement = new Placement([]);
  /** Who should own each shard, once it was asked for. */
  readonly #owners = new Map<number, NodeEntry | undefined>();
  #instance = '';
  /** What shards hold that this node has looked at. By shard. */
  readonly #holds: (Versions | undefined)[] = [];
  /** Of the answers of other nodes, in milliseconds. */
  readonly latency = new Histogram(LATENCY_MS);
  /** Requests that were sent to another node, and what came of them. */
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

  /** Requests can be answered, here or elsewhere. */
  get ready(): boolean {
    return this.#placement.nodes.some(({ state }) => state === 'ready');
  }

  /** The living nodes are these. */
  see(nodes: readonly NodeEntry[]): void {
    this.#placement = new Placement(nodes);
    this.#owners.clear();
    const others = nodes.filter(({ instance }) => instance !== this.#instance);
    this.#options.peers.keep(others.map(({ address }) => address));
  }

  /** A shard holds this. Nodes that cannot read it should not own it. */
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
    const asked = new Asked(this, asker, message, key, body, idempotency, shard);
    if (owner.stateOf(shard) === 'serving') return owner.askIn(shard, message, key, body, asked, idempotency);
    this.forward(asked);
    return undefined;
  }

  /** Takes a request to the node that has its actor, which may be this one again. */
  forward({ message, key, body, idempotency, shard, at, asker }: Asked): void {
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
    new Journey(this, {
      shard,
      request,
      query: method === 'GET',
      deadline: at + askTimeoutMs,
      asker,
      askHere: (responder) => owner.askIn(shard, message, key, body, responder, idempotency),
    }).begin();
  }

  /** Whether this node answers for the shard, as far as it knows. */
  isHere(shard: number): boolean {
    return this.placeOf(shard) === 'here';
  }

  placeOf(shard: number): Place {
    const state = this.#options.owner.stateOf(shard);
    if (state === 'serving') return 'here';
    const owner = this.#ownerOf(shard);
    // It is to be had, and the store is away: the request waits for it as in a node that is alone.
    if (owner?.instance === this.#instance) return state === 'away' ? 'here' : undefined;
    return owner && this.#reachable(owner);
  }

  find(instance: string): Place {
    const node = this.#placement.find(instance);
    return node && instance !== this.#instance ? this.#reachable(node) : undefined;
  }

  /** Who should have a shard that is not here. */
  holderOf(shard: number): string | undefined {
    const owner = this.#ownerOf(shard);
    return owner?.instance === this.#instance ? undefined : owner?.instance;
  }

  /** The name of the node that should have a shard; undefined while no node is ready. */
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

/** A request of a client: in the queue of this node, or on its way to another one, should the shard be handed over before its turn. */
class Asked implements Responder {
  readonly #router: Router;
  readonly #asker: Asker;
  readonly message: number;
  readonly key: string;
  readonly body: Uint8Array | undefined;
  readonly idempotency: string;
  readonly shard: number;
  /** When it came, in milliseconds. */
  readonly at = performance.now();

  /** @param body may be used for something else afterwards. */
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

/** For requests of other nodes: they are never forwarded again. */
export class LastStop implements Mailbox {
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
