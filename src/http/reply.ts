/**
 * One answer to one request. A `Reply` owns its `res`: it alone calls `onAborted`, `cork`, `end`, `tryEnd` and
 * `onWritable`, and it never touches `res` after an abort or after the end.
 *
 * A body is `{"next": ` + digits + `}`. A small one becomes a string. A large one is sent from where its digits stand: prefix and
 * suffix are written into the margins around them right before. What the socket does not take at once is copied, since the digits
 * stand there only until the next ones are added.
 */

import type { HttpResponse } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import type { ProblemCode } from '../errors.js';
import type { Asker } from '../runtime/pending-asks.js';
import type { Digits } from './digits.js';
import { isRetryable, PROBLEM_TYPE, problemBody, statusLine } from './problem.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import { requestIdOf } from './request-id.js';
import type { SlowReader, SlowReaders } from './slow-readers.js';

/** From this many bytes on, sending from shared memory is cheaper than making a string. */
const LARGE_BYTES = 512;

/** What a reply needs of its server. */
export interface ReplyContext {
  readonly digits: Digits;
  readonly slowReaders: SlowReaders;
  /** Connections are closed with their answers. */
  readonly draining: boolean;
  retryAfterSeconds(): number;
  /** A reply failed. */
  onError(error: unknown): void;
  /** Header lines for browsers on other origins, to go behind another header. */
  corsHeaders(request: RequestFacts): string;
  /** Called for each request that is answered with a problem. */
  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void;
  /** Called once per reply: it is answered, or its client has left. */
  closed(reply: Reply): void;
  /** The client of a reply that waits for its outcome has left. */
  left(ask: number): void;
}

/** How the digits are wrapped. */
export class Wrapping {
  readonly prefix: string;
  readonly suffix: string;

  /** @param margin bytes that are free on each side of the digits. */
  constructor(prefix: string, suffix: string, margin: number) {
    assert(prefix.length <= margin && suffix.length <= margin, `${prefix}…${suffix} fits into the margins`);
    this.prefix = prefix;
    this.suffix = suffix;
  }
}

export class Reply implements Asker, SlowReader {
  readonly #context: ReplyContext;
  readonly #wrapping: Wrapping;
  readonly #withBody: boolean;
  readonly #counts: RequestCounts;
  readonly #request: RequestFacts;
  #res: HttpResponse | undefined;
  /** Sends on from an offset of the body; set while the reader is slower than we are. */
  #sendOn: ((from: number) => boolean) | undefined;
  #sent = 0;
  progressAt = 0;
  /** Which of the owner's asks this one is. */
  ask: number | undefined;

  /**
   * @param withBody false for HEAD: headers, and the length that the body would have.
   * @param request good for longer than this call.
   */
  constructor(
    res: HttpResponse,
    context: ReplyContext,
    wrapping: Wrapping,
    withBody: boolean,
    counts: RequestCounts,
    request: RequestFacts,
  ) {
    this.#res = res;
    this.#context = context;
    this.#wrapping = wrapping;
    this.#withBody = withBody;
    this.#counts = counts;
    this.#request = request;
    res.onAborted(() => {
      const { ask } = this;
      counts.left += 1;
      this.#close();
      if (ask !== undefined) context.left(ask);
    });
  }

  settle(outcome: number | ProblemCode): void {
    this.ask = undefined;
    try {
      this.#answer(outcome);
    } catch (error) {
      this.#abandon(error);
    }
  }

  #answer(outcome: number | ProblemCode): void {
    const res = this.#res;
    if (!res) return;
    if (typeof outcome !== 'number') {
      this.#refuse(outcome);
      return;
    }
    const span = this.#context.digits.locate(outcome);
    // It was not kept from the owner, so it may have moved the sequence.
    if (!span) this.#refuse('ask-timeout');
    else this.#send(res, outcome, span.start, span.end);
  }

  /**
   * Offers the rest to a slow reader's socket. The library does so only when a good part of a socket's buffer is free, and
   * ends a connection after some ten seconds without; a reader that takes less meanwhile is slow, and does not stand still.
   */
  nudge(): void {
    try {
      this.#res?.cork(() => this.#sendOn?.(this.#sent));
    } catch (error) {
      this.#abandon(error);
    }
  }

  /** Ends the connection under a reader that stands still. */
  cut(): void {
    this.#res?.close();
  }

  /** It could not be answered, and nobody else shall suffer for it: its client sees a closed connection, so an unknown outcome. */
  #abandon(error: unknown): void {
    this.#context.onError(error);
    // It may have been answered before something else failed.
    if (this.#res) this.cut();
  }

  #send(res: HttpResponse, reply: number, start: number, end: number): void {
    const { prefix, suffix } = this.#wrapping;
    const length = prefix.length + end - start + suffix.length;
    this.#counts.ok += 1;
    if (this.#withBody && length >= LARGE_BYTES) {
      this.#sendLarge(res, reply, start, end, length);
      return;
    }
    const { digits, draining } = this.#context;
    res.cork(() => {
      this.#writeHead(res, reply);
      const last = draining || this.#request.last;
      if (this.#withBody) res.end(prefix + digits.bytes.toString('latin1', start, end) + suffix, last);
      else endWithoutBody(res, length);
    });
    this.#close();
  }

  #sendLarge(res: HttpResponse, reply: number, start: number, end: number, length: number): void {
    const { prefix, suffix } = this.#wrapping;
    const { bytes } = this.#context.digits;
    const bodyStart = start - prefix.length;
    for (let at = 0; at < prefix.length; at++) bytes[bodyStart + at] = prefix.charCodeAt(at);
    for (let at = 0; at < suffix.length; at++) bytes[end + at] = suffix.charCodeAt(at);
    let done = false;
    res.cork(() => {
      this.#writeHead(res, reply);
      [, done] = res.tryEnd(new Uint8Array(bytes.buffer, bodyStart, length), length);
    });
    if (done) this.#close();
    else this.#sendSlowly(res, new Uint8Array(bytes.buffer, bodyStart, length), res.getWriteOffset());
  }

  /** @param body good until the next digits are added. @param sent bytes that the socket has taken. */
  #sendSlowly(res: HttpResponse, body: Uint8Array, sent: number): void {
    const { length } = body;
    const rest = this.#context.slowReaders.keep(this, body.subarray(sent));
    if (!rest) {
      this.cut();
      return;
    }
    this.#sent = sent;
    this.progressAt = performance.now();
    this.#sendOn = (from) => {
      if (!this.#res) return true;
      const [ok, finished] = res.tryEnd(rest.subarray(from - sent), length);
      if (finished) {
        this.#close();
        return ok;
      }
      const offset = res.getWriteOffset();
      if (offset > this.#sent) this.progressAt = performance.now();
      this.#sent = offset;
      return ok;
    };
    res.onWritable((from) => {
      try {
        return this.#sendOn?.(from) ?? true;
      } catch (error) {
        this.#abandon(error);
        return true;
      }
    });
  }

  #refuse(code: ProblemCode): void {
    const res = this.#res;
    if (!res) return;
    res.cork(() => endWithProblem(res, code, this.#context, this.#withBody, this.#counts, this.#request));
    this.#close();
  }

  /** Three headers in one call: each call into the library costs about as much as everything else that is done here. */
  #writeHead(res: HttpResponse, index: number): void {
    const cors = this.#context.corsHeaders(this.#request);
    res.writeHeader(
      'Content-Type',
      `application/json\r\nCache-Control: no-store${cors}\r\nSequence-Index: ${index}`,
    );
    const { requestId } = this.#request;
    if (requestId) res.writeHeader('X-Request-Id', requestIdOf(requestId));
  }

  #close(): void {
    if (!this.#res) return;
    this.#res = undefined;
    if (this.#sendOn) this.#context.slowReaders.release(this);
    this.#context.closed(this);
  }
}

/** Answers at once, within the handler. */
export function endWithJson(
  res: HttpResponse,
  body: string,
  context: ReplyContext,
  withBody: boolean,
  counts: RequestCounts,
  request: RequestFacts,
): void {
  counts.ok += 1;
  res.writeHeader('Content-Type', 'application/json');
  res.writeHeader('Cache-Control', `no-store${context.corsHeaders(request)}`);
  if (withBody) res.end(body, context.draining || request.last);
  else endWithoutBody(res, body.length);
}

/**
 * Answers at once, with something larger than a socket may take at once. What is left waits for the reader, and a second
 * request meanwhile ends the connection: otherwise a client could have answers heaped up that it never reads.
 */
export function endWithDocument(
  res: HttpResponse,
  document: Buffer,
  context: ReplyContext,
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

/** Answers at once; the caller corks. */
export function endWithProblem(
  res: HttpResponse,
  code: ProblemCode,
  context: ReplyContext,
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
  if (isRetryable(code)) res.writeHeader('Retry-After', `${context.retryAfterSeconds()}`);
  if (withBody) res.end(body, context.draining || request.last);
  else endWithoutBody(res, body.length);
}

/** Answers a browser that asks whether a page of another origin may send a request; the caller corks. */
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
function endWithoutBody(res: HttpResponse, length: number): void {
  res.writeHeader('Content-Length', `${length}`);
  res.endWithoutBody();
}
