/**
 * The interface by which routes send requests to actors: the owner of this process implements it, and the router that finds the node of an
 * actor. Main thread only.
 */
import type { Responder } from './request-queue.js';

/** What is forwarded with a request to another node. */
export interface ForwardedFacts {
  /** The X-Request-Id of the client; empty when there is none. */
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** The query string, without its question mark. */
  readonly query: string;
}

/** The headers of another node's answer that are passed on to the client. This node makes all others itself. */
export interface RelayedHeaders {
  contentType: string | undefined;
  commit: string | undefined;
  replayed: boolean;
  sequenceIndex: string | undefined;
  retryAfter: string | undefined;
}

/** Receives the answer to a request, which may come from another node. */
export interface Asker extends Responder {
  /** False when the client has closed its connection. */
  readonly open: boolean;
  readonly facts: ForwardedFacts;
  /** Passes on the answer of another node. */
  relay(status: number, headers: Readonly<RelayedHeaders>, body: Buffer): void;
  /** Answers 421: another node has the actor, and this node must not forward. @param holder name of that node, if it is known. */
  misdirect(holder: string | undefined): void;
}

export interface Mailbox {
  /**
   * Sends a message to an actor. The asker gets the answer, perhaps before this returns.
   *
   * @param message its number.
   * @param key as the client sent it, percent-encoded.
   * @param idempotency `Idempotency-Key query`; empty without that header.
   * @returns what `OwnerHandle.withdraw` takes; undefined when the request is in no queue of this process.
   */
  ask(
    message: number,
    key: string,
    body: Uint8Array | undefined,
    asker: Asker,
    idempotency?: string,
  ): number | undefined;
}
