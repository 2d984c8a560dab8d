/**
 * The answer to one request. It owns its `res`: it and its subclasses alone call `onAborted`, `cork`, `end`, `tryEnd` and `onWritable`, and
 * never touch `res` after an abort or after the end.
 *
 * A large body is handed to the socket as bytes. What the socket does not take at once is copied, bounded with all other copies. The library's own
 * buffer has no bound.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type { Asker, RelayedHeaders } from '../runtime/front/mailbox.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { bodyOf } from './body-text.js';
import { PROBLEM_TYPE, problemBody } from './problem.js';
import { commitLine, REPLAYED_LINE } from './reply-lines.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import { requestIdOf } from './request-id.js';
import type { ResponseContext } from './response-context.js';
import type { SlowReader } from './slow-readers.js';

/** From this many bytes on a body is sent as bytes, and what is not read of it is bounded. Smaller ones fit into what a kernel takes. */
export const LARGE_BYTES = 16 * 1024;

export abstract class Response implements SlowReader, Omit<Asker, keyof Responder> {
  protected readonly context: ResponseContext;
  protected readonly counts: RequestCounts;
  /** False for HEAD, whose answer has only headers, with the length that the body would have. */
  protected readonly withBody: boolean;
  /** The request's headers, valid also after its handler has returned. */
  protected readonly request: RequestFacts;
  #res: HttpResponse | undefined;
  /** Sends the body from an offset on; set while the reader is slow. */
  #sendOn: ((from: number) => boolean) | undefined;
  #sent = 0;
  progressAt = 0;
  /** Position of the request in the queue. */
  position: number | undefined;
  /** The answer has a `Commit` header: it answers a command. */
  namesCommit = false;
  /** Header lines about the reply; each begins with a line end. */
  protected replyLines = '';

  constructor(
    res: HttpResponse,
    context: ResponseContext,
    counts: RequestCounts,
    withBody: boolean,
    request: RequestFacts,
  ) {
    this.#res = res;
    this.context = context;
    this.counts = counts;
    this.withBody = withBody;
    this.request = request;
    res.onAborted(() => {
      counts.left += 1;
      this.close(this.position);
    });
  }

  /** The response object; undefined when the request is answered or its client has left. */
  protected get res(): HttpResponse | undefined {
    return this.#res;
  }

  /** The request is not answered, and its client has not left. */
  get open(): boolean {
    return this.#res !== undefined;
  }

  get facts(): RequestFacts {
    return this.request;
  }

  /** Answers with what another node has answered. What concerns this connection is made anew. */
  relay(status: number, headers: Readonly<RelayedHeaders>, body: Buffer): void {
    const res = this.#res;
    if (!res) return;
    const problem = headers.contentType?.startsWith(PROBLEM_TYPE) ? problemIn(body) : undefined;
    if (problem) {
      this.counts.problems[problem] += 1;
      this.context.onProblem(problem, this.counts, requestIdOf(this.request.requestId));
    } else if (status < 400) this.counts.ok += 1;
    else this.counts.refused += 1;
    const writeHead = () => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Other'}`);
      res.writeHeader(...this.#relayedHead(headers));
      if (headers.retryAfter !== undefined) res.writeHeader('Retry-After', headers.retryAfter);
    };
    if (status !== 204 && this.withBody) {
      this.sendBytes(res, body, writeHead);
      return;
    }
    res.cork(() => {
      writeHead();
      if (status === 204) res.endWithoutBody(undefined, this.closes);
      else {
        res.writeHeader('Content-Length', `${body.length}`);
        res.endWithoutBody();
      }
    });
    this.close(undefined);
  }

  /** @param holder name of the node that should have the actor, if that is known. */
  misdirect(holder: string | undefined): void {
    const res = this.#res;
    if (!res) return;
    const requestId = requestIdOf(this.request.requestId);
    this.counts.problems.misdirected += 1;
    res.cork(() => {
      res.writeStatus('421 Misdirected Request');
      res.writeHeader('Content-Type', PROBLEM_TYPE);
      res.end(bodyOf(problemBody('misdirected', requestId, undefined, { holder })), this.closes);
    });
    this.close(undefined);
  }

  #relayedHead({
    contentType,
    commit,
    replayed,
    sequenceIndex,
  }: RelayedHeaders): [name: string, value: string] {
    const lines = [`Cache-Control: no-store${this.context.corsHeaders(this.request)}`];
    if (commit !== undefined) lines.push(`Commit: ${commit}`);
    if (replayed) lines.push('Idempotency-Replayed: true');
    if (sequenceIndex !== undefined) lines.push(`Sequence-Index: ${sequenceIndex}`);
    if (this.request.requestId !== '') lines.push(`X-Request-Id: ${requestIdOf(this.request.requestId)}`);
    if (contentType !== undefined) return ['Content-Type', [contentType, ...lines].join('\r\n')];
    const [first = '', ...others] = lines;
    return ['Cache-Control', [first.slice('Cache-Control: '.length), ...others].join('\r\n')];
  }

  /** The connection ends with the answer. */
  protected get closes(): boolean {
    return this.request.last || this.context.draining;
  }

  /** Notes what the headers say of the reply. */
  protected note(view: ReplyView): void {
    if (this.namesCommit) this.replyLines = commitLine(view);
    if (view.replayed) this.replyLines += REPLAYED_LINE;
  }

  /** @param body valid until this returns. @param writeHead called once, corked. */
  protected sendBytes(res: HttpResponse, body: Uint8Array, writeHead: () => void): void {
    let done = true;
    res.cork(() => {
      writeHead();
      if (this.closes && body.length < LARGE_BYTES) {
        res.end(body, true);
        return;
      }
      // `tryEnd` cannot close the connection: the client does.
      if (this.context.draining && !this.request.last) res.writeHeader('Connection', 'close');
      [, done] = res.tryEnd(body, body.length);
    });
    if (done) this.close(undefined);
    else this.#sendSlowly(res, body, res.getWriteOffset());
  }

  /** @param position of the request, when the owner may still have it. */
  protected close(position: number | undefined): void {
    if (!this.#res) return;
    this.#res = undefined;
    if (this.#sendOn) this.context.slowReaders.release(this);
    this.context.closed(position);
  }

  /**
   * Offers the rest to a slow reader's socket. The library does so only when a good part of a socket's buffer is free, and
   * ends a connection after some ten seconds without; a reader that takes less in that time is slow, and does not stand still.
   */
  nudge(): void {
    try {
      this.#res?.cork(() => this.#sendOn?.(this.#sent));
    } catch (error) {
      this.abandon(error);
    }
  }

  /** Closes the connection of a reader that takes nothing, or of a request that has no answer. The client does not know the outcome. */
  cut(): void {
    this.#res?.close();
  }

  /** Closes the connection: this request cannot be answered, and others must not be affected. */
  protected abandon(error: unknown): void {
    this.context.onError(error);
    // The request may have been answered before something else failed.
    this.cut();
  }

  /** @param sent bytes that the socket has taken. */
  #sendSlowly(res: HttpResponse, body: Uint8Array, sent: number): void {
    const { length } = body;
    const rest = this.context.slowReaders.keep(this, body.subarray(sent));
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
        this.close(undefined);
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
        this.abandon(error);
        return true;
      }
    });
  }
}

/** The code of a problem that another node has answered with; undefined when it is none that is known here. */
function problemIn(body: Buffer): ProblemCode | undefined {
  try {
    const { code, type } = JSON.parse(body.toString()) as Record<string, unknown>;
    const known =
      typeof code === 'string' && Object.hasOwn(PROBLEMS, code) && type === `urn:warren:problem:${code}`;
    return known ? (code as ProblemCode) : undefined;
  } catch {
    return undefined;
  }
}
