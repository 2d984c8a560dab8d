/** What a response needs from the server that it belongs to. */
import type { ProblemCode } from '../errors.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import type { SlowReaders } from './slow-readers.js';

export interface ResponseContext {
  /** Connections are closed with their answers. */
  readonly draining: boolean;
  readonly slowReaders: SlowReaders;
  /** Counts a request in. @returns false when there are too many, or the server stops: it is to be refused. */
  opened(): boolean;
  /** The request is answered, or its client has left. @param position of the request, when the owner may still have it. */
  closed(position: number | undefined): void;
  /** Header lines for browsers on other origins, to go behind another header. */
  corsHeaders(request: RequestFacts): string;
  retryAfterSeconds(): number;
  /** Called for each request that is answered with a problem. */
  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void;
  /** A response failed. */
  onError(error: unknown): void;
}
