/**
 * The HTTP connections to the other nodes. They are kept alive, and each carries one request at a time. Runs on the main thread.
 *
 * A failed request must say whether it may have reached the other node. Nothing is sent before `onConnect`, so an error before that means: not
 * consumed. Any error after that is an unknown outcome, also when the other node has just closed a kept connection. A request is sent at most
 * once.
 */
import { type Dispatcher, errors, Pool } from 'undici';
import { messageOf } from '../errors.js';
import { answerOf, noHeaders, type PeerAnswer, relayedHeaders } from './peer-answer.js';

export interface PeerRequest {
  readonly method: 'GET' | 'POST';
  /** With the query string, percent-encoded as the client sent it. */
  readonly path: string;
  readonly headers: {
    readonly requestId: string;
    /** As the client sent it, with its quotation marks if it has any. */
    readonly idempotencyKey: string | undefined;
  };
  /** Must not change until the answer has arrived. */
  readonly body: Uint8Array | undefined;
}

export interface PeersOptions {
  /** NODE_TOKEN; empty for none. */
  readonly token: string;
  /** The most connections to one node; 128 by default. */
  readonly connections?: number;
  /** The most requests to one node that wait for their answers; 16,384 by default. */
  readonly capacity?: number;
}

/** For this time after a failed attempt to connect, requests fail without a new attempt. */
const REFUSED_MS = 50;

/** How long an idle connection is kept. Less than the other node keeps it, so that a request rarely meets a connection that is being closed. */
const KEEP_MS = 4_000;

/** How long requests to a node that has left may still be answered. */
const GONE_MS = 500;

/** Time-out of connecting. */
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

  /** How many addresses have connections. */
  get count(): number {
    return this.#peers.size;
  }

  /** How many forwarded requests wait for their answers. */
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
   * Closes the connections to all addresses but these. Requests that wait there have `GONE_MS` left; then their outcome is unknown. So they can be
   * repeated on another node, also when their node is suspended or cut off.
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

  /** Closes all connections. The outcome of requests that wait for their answers is unknown. */
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
        // `Exchange` has a timer for each request.
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

/** Sends one request and receives its answer. undici calls its methods; with this interface headers are the cheapest. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle: Settle;
  readonly #timer: NodeJS.Timeout;
  #settled = false;
  /** Set from the moment on when something may have been sent. */
  #abort: (() => void) | undefined;
  #status = 0;
  #headers = noHeaders();
  #chunks: Buffer[] = [];

  constructor(ms: number, settle: Settle) {
    this.#settle = settle;
    this.#timer = setTimeout(() => this.#expire(), ms);
  }

  onConnect(abort: () => void): void {
    // The time is over, or the request was sent before: it must not be sent now.
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

/** Whether the request itself is invalid, so that no node is to blame. */
function isInvalid(error: unknown): boolean {
  return error instanceof errors.InvalidArgumentError;
}

/** Percent-encodes the characters that the client has not encoded. */
function asciiOf(path: string): string {
  return path.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

function notConsumed(reason: string): Promise<PeerAnswer> {
  return Promise.resolve({ kind: 'not-consumed', reason });
}
