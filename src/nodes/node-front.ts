/**
 * The main-thread side of a node: connections to the other nodes, the router that takes each request to its node, and the listener for requests
 * that other nodes forward.
 */
import type { Logger } from 'pino';
import type { HostPort } from '../config/schemas.js';
import { type ProblemCode, WarrenError } from '../errors.js';
import type { Uws } from '../http/load-uws.js';
import type { RequestCounts } from '../http/request-counts.js';
import type { Route } from '../http/route.js';
import { Server } from '../http/server.js';
import type { SlowReaders } from '../http/slow-readers.js';
import type { Mailbox } from '../runtime/front/mailbox.js';
import type { OwnerEvent, OwnerHandle } from '../runtime/front/owner-handle.js';
import { type NodesReport, reportOf } from './nodes-report.js';
import { Peers } from './peers.js';
import { LocalMailbox, Router, type Target } from './router.js';
import { ShardMoves } from './shard-moves.js';

export interface NodeFrontOptions {
  readonly address: HostPort & { readonly token: string };
  readonly uws: Uws;
  readonly version: string;
  readonly owner: OwnerHandle;
  readonly slowReaders: SlowReaders;
  /** By message number. */
  readonly targets: readonly Target[];
  readonly askTimeoutMs: number;
  readonly openLimit: number;
  readonly connectionLimit: number;
  readonly log: Logger;
  readonly onProblem: (code: ProblemCode, counts: RequestCounts, requestId: string) => void;
}

export class NodeFront {
  readonly router: Router;
  readonly server: Server;
  /** Where the listener puts requests from other nodes. */
  readonly mailbox: Mailbox;
  readonly moves = new ShardMoves();
  readonly #options: NodeFrontOptions;
  readonly #peers: Peers;
  #whole = false;
  #leaving = false;
  /** host:port of the listener, for the other nodes; empty until it listens. */
  address = '';

  constructor(options: NodeFrontOptions) {
    const { address, log, owner, targets, askTimeoutMs } = options;
    this.#options = options;
    this.#peers = new Peers({ token: address.token });
    const onError = (error: unknown) => log.error({ err: error }, 'a forwarded request failed');
    this.router = new Router({ owner, peers: this.#peers, targets, askTimeoutMs, onError });
    this.mailbox = new LocalMailbox(owner, this.router);
    this.server = new Server({ ...options, corsOrigins: [], token: address.token, onError });
  }

  /** Whether requests are answered, by this node or by another one. */
  get ready(): boolean {
    return this.#whole && !this.#leaving && this.router.ready;
  }

  /** Whether every shard has had an owner since this process started. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Whether this node is stopping: it hands over all its shards. */
  get leaving(): boolean {
    return this.#leaving;
  }

  get report(): NodesReport {
    return reportOf(this.router, this.#options.owner);
  }

  /** Throws as `Server.listen`. */
  async listen(routes: readonly Route[]): Promise<void> {
    const { host, port } = this.#options.address;
    this.server.register(routes, () => this.ready);
    const taken = await this.server.listen(host, port).catch((error) => {
      throw new WarrenError('listen-failed', `NODE_HOST_PORT: ${error.message}`, { cause: error });
    });
    this.address = host.includes(':') ? `[${host}]:${taken}` : `${host}:${taken}`;
  }

  onOwner(event: OwnerEvent): void {
    this.moves.onOwner(event);
    if (event.kind === 'nodes') this.router.see(event.nodes);
    else if (event.kind === 'holds') this.router.hold(event.shard, event.holds);
    else if (event.kind === 'whole') this.#whole = true;
  }

  /** Hands over all shards, and resolves when that is done. The other nodes answer the requests from then on. */
  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#options.owner.leave();
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.#peers.close();
  }
}
