/** What came of a request that was sent to another node, and what its answer says. */

import { PROBLEM_TYPE } from '../http/problem.js';
import type { RelayedHeaders } from '../runtime/front/mailbox.js';

export type PeerAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<RelayedHeaders>;
      readonly body: Buffer;
    }
  /** The request has had no effect, and never will have one. @param holder instance that has the shard, as far as that node knows. */
  | { readonly kind: 'not-consumed'; readonly reason: string; readonly holder?: string }
  /** It may have had an effect, or may still have one. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Problems of a node that has not taken the request: it does not own the shard, it stops, it does not know this node's token, or it is of another version and
 * does not know the actor or the message. An actor's own refusals have another type.
 */
const NOT_CONSUMED: Readonly<Record<number, readonly string[]>> = {
  401: ['unauthorized'],
  404: ['not-found'],
  405: ['method-not-allowed'],
  421: ['misdirected'],
  503: ['shutting-down', 'standby', 'not-ready'],
};

/** @param body all of it. */
export function answerOf(status: number, headers: RelayedHeaders, body: Buffer): PeerAnswer {
  const codes = NOT_CONSUMED[status];
  if (codes && headers.contentType?.startsWith(PROBLEM_TYPE)) {
    const { type, title, detail, holder } = problemIn(body);
    if (codes.some((code) => type === `urn:warren:problem:${code}`)) {
      const reason = `${status}: ${detail ?? title ?? type}`;
      return { kind: 'not-consumed', reason, ...(typeof holder === 'string' && { holder }) };
    }
  }
  return { kind: 'answered', status, headers, body };
}

export function noHeaders(): RelayedHeaders {
  return {
    contentType: undefined,
    commit: undefined,
    replayed: false,
    sequenceIndex: undefined,
    retryAfter: undefined,
  };
}

/** @param raw name and value in turn, as they came. */
export function relayedHeaders(raw: readonly Buffer[]): RelayedHeaders {
  const headers = noHeaders();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as Buffer;
    // Most headers are told apart by their length.
    switch (name.length) {
      case 6:
        if (is(name, 'commit')) headers.commit = textOf(raw, at);
        break;
      case 11:
        if (is(name, 'retry-after')) headers.retryAfter = textOf(raw, at);
        break;
      case 12:
        if (is(name, 'content-type')) headers.contentType = textOf(raw, at);
        break;
      case 14:
        if (is(name, 'sequence-index')) headers.sequenceIndex = textOf(raw, at);
        break;
      case 20:
        if (is(name, 'idempotency-replayed')) headers.replayed = textOf(raw, at) === 'true';
        break;
      default:
    }
  }
  return headers;
}

function is(name: Buffer, lowercase: string): boolean {
  return name.toString('latin1').toLowerCase() === lowercase;
}

function textOf(raw: readonly Buffer[], at: number): string {
  return (raw[at + 1] as Buffer).toString('latin1');
}

function problemIn(body: Buffer): Record<string, unknown> {
  try {
    const problem: unknown = JSON.parse(body.toString());
    return typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
