/** Where requests go from the routes: to the owner of this process, or through what finds the node that has the actor. Main thread only. */
import type { Responder } from './request-queue.js';

/** What of a request goes along to another node. */
export interface ForwardedFacts {
  /** As it came; empty when there is none. */
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** Without its question mark. */
  readonly query: string;
}

/** Headers of an answer that reach the client; the others are made anew. */
export interface RelayedHeaders {
  contentType: string | undefined;
  commit: string | undefined;
  replayed: boolean;
  sequenceIndex: string | undefined;
  retryAfter: string | undefined;
}

/** Whoever waits for an answer, which another node may give. */
export interface Asker extends Responder {
  /** False when its client has left. */
  readonly open: boolean;
  readonly facts: ForwardedFacts;
  /** Answers with what another node has answered. */
  relay(status: number, headers: Readonly<RelayedHeaders>, body: Buffer): void;
  /** Another node has the actor, and this one shall not forward. @param holder its name, if that is known. */
  misdirect(holder: string | undefined): void;
}

export interface Mailbox {
  /**
   * @param key as it came, percent-encoded.
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
