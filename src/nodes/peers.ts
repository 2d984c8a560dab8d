/**
 * Connections to the other nodes. On the main thread.
 *
 * Each connection carries one request at a time and is kept. What counts in the end is whether a request may have reached its node: nothing of it is sent before
 * `onConnect`, and whatever goes wrong from then on is an unknown outcome, also when the other node closed a kept connection just then. A request is sent at most once.
 */
import { type Dispatcher, errors, Pool } from 'undici';
import { messageOf } from '../errors.js';
import { answerOf, noHeaders, type PeerAnswer, relayedHeaders } from './peer-answer.js';

export interface PeerRequest {
  readonly method: 'GET' | 'POST';
  /** With its query string, as it came. */
  readonly path: string;
  readonly headers: {
    readonly requestId: string;
    /** As it came, with its quotation marks if it had any. */
    readonly idempotencyKey: string | undefined;
  };
  /** It is not changed, and not used for anything else, until the answer is there. */
  readonly body: Uint8Array | undefined;
}

export interface PeersOptions {
  /** NODE_TOKEN; empty for none. */
  readonly token: string;
  /** Connections to one node, at the most. By default 128. */
  readonly connections?: number;
  /** Requests that may be on their way to one node. By default 16,384. */
  readonly capacity?: number;
}

/** After a connection could not be made, requests are not even tried for so long, in milliseconds. */
const REFUSED_MS = 50;

/** Shorter than any node keeps a connection, so that a request seldom meets one that is being closed. */
const KEEP_MS = 4_000;

/** What is on its way to a node that is gone may still be answered for so long, in milliseconds. */
const GONE_MS = 500;

/** How long making a connection may take, in milliseconds. */
const CONNECT_MS = 1_000;

interface Peer {
  readonly pool: Pool;
  count: number;
  refusedUntil: number;
  why: string;
}

export class Peers {
  readonly #token: string;
  readonly #connections: number;
  readonly #capacity: number;
  readonly #peers = new Map<string, Peer>();

  constructor({ token, connections = 128, capacity = 16_384 }: PeersOptions) {
    this.#token = token;
    this.#connections = connections;
    this.#capacity = capacity;
  }

  /** Addresses that have connections. */
  get count(): number {
    return this.#peers.size;
  }

  /** Requests that are on their way. */
  get underWay(): number {
    let sum = 0;
    for (const { count } of this.#peers.values()) sum += count;
    return sum;
  }

  /** @param ms time for the answer, in milliseconds. Never rejects. */
  send(address: string, request: PeerRequest, ms: number): Promise<PeerAnswer> {
    const peer = this.#peerAt(address);
    if (peer.count >= this.#capacity) return notConsumed('too many requests are on their way to this node');
    if (performance.now() < peer.refusedUntil) return notConsumed(peer.why);
    const { method, path, body = null, headers } = request;
    const lines = ['X-Request-Id', headers.requestId];
    if (this.#token !== '') lines.push('Authorization', `Bearer ${this.#token}`);
    if (headers.idempotencyKey !== undefined) lines.push('Idempotency-Key', headers.idempotencyKey);
    return new Promise((resolve) => {
      peer.count += 1;
      const handler = new Exchange(ms, (answer, unreachable) => {
        peer.count -= 1;
        if (unreachable) {
          peer.refusedUntil = performance.now() + REFUSED_MS;
          peer.why = unreachable;
        }
        resolve(answer);
      });
      try {
        peer.pool.dispatch({ method, path: asciiOf(path), headers: lines, body }, handler);
      } catch (error) {
        handler.onError(error);
      }
    });
  }

  /**
   * Closes the connections to all other addresses. What is on its way there has a short time left; then its outcome is unknown, so that it can be
   * repeated elsewhere while the node is suspended or cut off.
   */
  keep(addresses: Iterable<string>): void {
    const kept = new Set(addresses);
    for (const [address, { pool }] of this.#peers) {
      if (kept.has(address)) continue;
      this.#peers.delete(address);
      void pool.close();
      setTimeout(() => void pool.destroy(), GONE_MS).unref();
    }
  }

  /** The outcome of what is on its way is unknown. */
  async close(): Promise<void> {
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    await Promise.all(peers.map(({ pool }) => pool.destroy()));
  }

  #peerAt(address: string): Peer {
    let peer = this.#peers.get(address);
    if (!peer) {
      const pool = new Pool(`http://${address}`, {
        connections: this.#connections,
        pipelining: 1,
        connect: { timeout: CONNECT_MS, noDelay: true },
        keepAliveTimeout: KEEP_MS,
        keepAliveMaxTimeout: KEEP_MS,
        // Each request has a time of its own.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      peer = { pool, count: 0, refusedUntil: 0, why: '' };
      this.#peers.set(address, peer);
    }
    return peer;
  }
}

type Settle = (answer: PeerAnswer, unreachable?: string) => void;

/** One request and its answer. The library calls it; its raw form of the headers costs the least. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle: Settle;
  readonly #timer: NodeJS.Timeout;
  #settled = false;
  /** Set when something may have been sent. */
  #abort: (() => void) | undefined;
  #status = 0;
  #headers = noHeaders();
  #chunks: Buffer[] = [];

  constructor(ms: number, settle: Settle) {
    this.#settle = settle;
    this.#timer = setTimeout(() => this.#expire(), ms);
  }

  onConnect(abort: () => void): void {
    // Nobody waits for it any more, or it was sent before: it is not sent now.
    if (this.#settled || this.#abort) {
      abort();
      return;
    }
    this.#abort = abort;
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    this.#status = status;
    this.#headers = relayedHeaders(raw);
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  onComplete(): void {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first;
    this.#end(answerOf(this.#status, this.#headers, body));
  }

  onError(error: unknown): void {
    const reason = messageOf(error);
    if (this.#abort) this.#end({ kind: 'unknown', reason });
    else this.#end({ kind: 'not-consumed', reason }, isInvalid(error) ? undefined : reason);
  }

  #expire(): void {
    if (this.#abort) {
      this.#end({ kind: 'unknown', reason: 'no answer in time' });
      this.#abort();
    } else {
      this.#end({ kind: 'not-consumed', reason: 'no connection was free in time' });
    }
  }

  #end(answer: PeerAnswer, unreachable?: string): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#settle(answer, unreachable);
  }
}

/** The request cannot be sent to any node. */
function isInvalid(error: unknown): boolean {
  return error instanceof errors.InvalidArgumentError;
}

/** Bytes that a client has not percent-encoded. */
function asciiOf(path: string): string {
  return path.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

function notConsumed(reason: string): Promise<PeerAnswer> {
  return Promise.resolve({ kind: 'not-consumed', reason });
}
