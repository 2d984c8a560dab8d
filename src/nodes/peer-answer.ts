/**
 * The outcome of a request that was forwarded to another node: answered, not consumed, or unknown. Also reads the HTTP answer of that node.
 */
import { PROBLEM_TYPE } from '../http/problem.js';
import type { RelayedHeaders } from '../runtime/front/mailbox.js';

export type PeerAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<RelayedHeaders>;
      readonly body: Buffer;
    }
  /** The request had no effect, and will have none. `holder`: the instance that has the shard, as far as the other node knows. */
  | { readonly kind: 'not-consumed'; readonly reason: string; readonly holder?: string }
  /** The request may have had an effect, or may have one later. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * By HTTP status: the problem codes with which a node says that it has not consumed a request. It does not own the shard, it is stopping, it does not
 * accept this node's token, or its version does not know the actor or the message. Refusals of actors have another `type`.
 */
const NOT_CONSUMED: Readonly<Record<number, readonly string[]>> = {
  401: ['unauthorized'],
  404: ['not-found'],
  405: ['method-not-allowed'],
  421: ['misdirected'],
  503: ['shutting-down', 'standby', 'not-ready'],
};

/** @param body the whole body. */
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

/** @param raw name, value, name, value, …, as received. */
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
