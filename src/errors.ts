/**
 * The codes of all failures. A code is stable: programs match on the code, never on the message.
 *
 * `PROBLEMS` is the table from code to HTTP status and title. Codes in `FatalCode` never reach a client: they end the process.
 *
 * A 503 promises that the request had no effect and never will have one, since proxies send such a request again. When the outcome is
 * unknown, the status is 504.
 */

/** Answers to a client, RFC 9457 problem details. */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The headers of this request can be read in two ways' },
  'bad-query': { status: 400, title: 'The query string is not understood' },
  'bad-input': { status: 400, title: 'The input is not JSON' },
  'input-inexact': { status: 400, title: 'The input holds a number that cannot be kept exactly' },
  'idempotency-key-invalid': { status: 400, title: 'An Idempotency-Key cannot be used like this' },
  'key-invalid': { status: 400, title: 'The key must be 1 to 256 bytes of UTF-8' },
  unauthorized: { status: 401, title: 'A bearer token is required' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'This path does not answer to this method' },
  'length-required': { status: 411, title: 'A body must have a Content-Length; chunked bodies are refused' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  misdirected: { status: 421, title: 'Another node has this actor' },
  'input-invalid': { status: 422, title: 'The input does not fit the schema of the message' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'head-too-large': { status: 431, title: 'Request line and headers are too large' },
  'sequence-exhausted': { status: 409, title: 'The sequence has reached its configured end' },
  internal: { status: 500, title: 'The server failed while handling this request' },
  'behavior-failed': { status: 500, title: 'The actor failed; its state is unchanged' },
  'state-unreadable': { status: 500, title: 'The stored state of the actor cannot be read' },
  poisoned: { status: 500, title: 'This request ended the owner thread repeatedly and was given up' },
  'mailbox-full': { status: 503, title: 'Too many requests are waiting, or for too long' },
  'shutting-down': { status: 503, title: 'The server is shutting down' },
  'store-unavailable': { status: 503, title: 'The store is away; nothing was consumed' },
  'idempotency-full': { status: 503, title: 'There is no room for more idempotency keys' },
  standby: { status: 503, title: 'Another instance serves; this one stands by' },
  'not-ready': { status: 503, title: 'The server is not ready to answer' },
  'commit-in-doubt': { status: 504, title: 'The store did not confirm in time; the outcome is unknown' },
  'node-lost': { status: 504, title: 'The node that had this request was lost; the outcome is unknown' },
  'ask-timeout': { status: 504, title: 'The owner did not answer in time; the outcome is unknown' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/**
 * Reasons to end the process or to refuse its start. `store-denied`: the store refuses commands until an operator changes its settings or
 * rights. It ends a start; an owner that has served before waits for the operator.
 */
export type FatalCode =
  | 'config-invalid'
  | 'actor-invalid'
  | 'folder-in-use'
  | 'folder-unusable'
  | 'store-corrupt'
  | 'store-foreign'
  | 'store-fenced'
  | 'store-denied'
  | 'store-unsafe'
  | 'store-halted'
  | 'shards-differ'
  | 'instance-taken'
  | 'state-unreadable'
  | 'predecessor-invalid'
  | 'owner-failing'
  | 'listen-failed'
  | 'native-missing';

/**
 * Failures of a store that may serve later. `store-refused`: it said no, so nothing has happened. `store-unreachable`: it did not answer, so
 * the outcome is unknown. `store-unclaimed`: no owner can be seen. An owner that still lives may know more than the store, so it gets time to
 * write that first.
 */
export type TransientCode = 'store-refused' | 'store-unreachable' | 'store-unclaimed';

/** Large numbers could not be converted to decimal. The conversion is tried again; until then the process is not ready. */
export type ConversionCode = 'format-failing';

export type ErrorCode = FatalCode | TransientCode | ConversionCode;

export class WarrenError extends Error {
  override readonly name = 'WarrenError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The text of anything that was thrown, for logs and for messages between threads. Never throws itself. */
export function messageOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    const causes = thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : '';
    return String(thrown.message || causes || thrown.name);
  } catch {
    return 'something that has no text';
  }
}
