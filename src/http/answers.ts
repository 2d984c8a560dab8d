/** Writes answers that a handler gives at once, without asking the owner. The caller must have corked the response. */
import type { HttpResponse } from 'uWebSockets.js';
import type { ProblemCode } from '../errors.js';
import { bodyOf } from './body-text.js';
import { isRetryable, PROBLEM_TYPE, problemBody, statusLine } from './problem.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import { requestIdOf } from './request-id.js';
import type { ResponseContext } from './response-context.js';

export function endWithJson(
  res: HttpResponse,
  body: string,
  context: ResponseContext,
  withBody: boolean,
  counts: RequestCounts,
  request: RequestFacts,
): void {
  counts.ok += 1;
  res.writeHeader('Content-Type', 'application/json');
  res.writeHeader('Cache-Control', `no-store${context.corsHeaders(request)}`);
  if (withBody) res.end(bodyOf(body), context.draining || request.last);
  else endWithoutBody(res, Buffer.byteLength(body));
}

/**
 * Answers with something larger than a socket may take at once. What is left waits for the reader, and a second request meanwhile ends the
 * connection: otherwise a client could have answers heaped up that it never reads.
 */
export function endWithDocument(
  res: HttpResponse,
  document: Buffer,
  context: ResponseContext,
  withBody: boolean,
  counts: RequestCounts,
  request: RequestFacts,
): void {
  counts.ok += 1;
  res.writeHeader('Content-Type', 'application/json');
  res.writeHeader('Cache-Control', `no-store${context.corsHeaders(request)}`);
  if (!withBody) endWithoutBody(res, document.length);
  else if (context.draining || request.last) res.end(document, true);
  else if (!res.tryEnd(document, document.length)[1]) {
    res.onAborted(() => {});
    res.onWritable((from) => res.tryEnd(document.subarray(from), document.length)[0]);
  }
}

export function endWithProblem(
  res: HttpResponse,
  code: ProblemCode,
  context: ResponseContext,
  withBody: boolean,
  counts: RequestCounts,
  request: RequestFacts,
  extra: { allow?: string; detail?: string } = {},
): void {
  const requestId = requestIdOf(request.requestId);
  const body = problemBody(code, requestId, extra.detail);
  counts.problems[code] += 1;
  context.onProblem(code, counts, requestId);
  res.writeStatus(statusLine(code));
  res.writeHeader('Content-Type', PROBLEM_TYPE);
  res.writeHeader('Cache-Control', `no-store${context.corsHeaders(request)}`);
  res.writeHeader('X-Request-Id', requestId);
  if (extra.allow) res.writeHeader('Allow', extra.allow);
  if (code === 'unauthorized') res.writeHeader('WWW-Authenticate', 'Bearer');
  if (isRetryable(code)) res.writeHeader('Retry-After', `${context.retryAfterSeconds()}`);
  if (withBody) res.end(bodyOf(body), context.draining || request.last);
  else endWithoutBody(res, Buffer.byteLength(body));
}

/** Answers a browser that asks whether a page of another origin may send a request. */
export function endPreflight(res: HttpResponse, headers: string, counts: RequestCounts): void {
  counts.ok += 1;
  res.writeStatus('204 No Content');
  res.writeHeader('Cache-Control', `no-store${headers}`);
  res.endWithoutBody();
}

/**
 * The answer to HEAD. uWebSockets.js takes a length here, too, but then waits for a body of that length, and the
 * connection is stuck; so the header is written by hand.
 */
export function endWithoutBody(res: HttpResponse, length: number): void {
  res.writeHeader('Content-Length', `${length}`);
  res.endWithoutBody();
}
