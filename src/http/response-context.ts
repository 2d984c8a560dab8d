/** What a response needs from the server that it belongs to. */
import type { ProblemCode } from '../errors.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import type { SlowReaders } from './slow-readers.js';

export interface ResponseContext {
  /** The server stops: every answer closes its connection. */
  readonly draining: boolean;
  readonly slowReaders: SlowReaders;
  /** Counts a new request. @returns false when it must be refused: there are too many, or the server stops. */
  opened(): boolean;
  /** Called when a request is answered or its client has left. @param position of the request in the queue, when the owner may still have it. */
  closed(position: number | undefined): void;
  /** CORS header lines, to append to another header's value. */
  corsHeaders(request: RequestFacts): string;
  retryAfterSeconds(): number;
  /** Called for each request that is answered with a problem. */
  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void;
  /** Called when a response failed. */
  onError(error: unknown): void;
}
