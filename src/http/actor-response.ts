/**
 * The answer to one request of an actor. It owns its `res`: it alone calls `onAborted`, `onData`, `cork` and `end`, and never touches
 * `res` after an abort or after the end.
 */

import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ProblemCode } from '../errors.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { JSON_REPLY, LINK_PROBLEMS, NO_REPLY, REFUSAL } from '../runtime/link/reply-kind.js';
import { REFUSAL_TYPE } from '../runtime/refusal-body.js';
import { isRetryable, PROBLEM_TYPE, problemBody, statusLine } from './problem.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import { requestIdOf } from './request-id.js';
import type { ResponseContext } from './response-context.js';

/** Made once: a text that is put together for each answer costs the library more than all else of its head. */
const JSON_HEAD = 'application/json\r\nCache-Control: no-store';
const PROBLEM_HEAD = `${PROBLEM_TYPE}\r\nCache-Control: no-store`;

export class ActorResponse implements Responder {
  readonly #context: ResponseContext;
  readonly #counts: RequestCounts;
  readonly #withBody: boolean;
  readonly #request: RequestFacts;
  #res: HttpResponse | undefined;
  /** Of the request in the queue. */
  position: number | undefined;

  constructor(
    res: HttpResponse,
    context: ResponseContext,
    counts: RequestCounts,
    withBody: boolean,
    request: RequestFacts,
  ) {
    this.#res = res;
    this.#context = context;
    this.#counts = counts;
    this.#withBody = withBody;
    this.#request = request;
    res.onAborted(() => {
      counts.left += 1;
      this.#close(this.position);
    });
  }

  /** It is neither answered nor left. */
  get open(): boolean {
    return this.#res !== undefined;
  }

  reply({ kind, detail, ascii, offset, length }: ReplyView, bytes: Buffer): void {
    const res = this.#res;
    if (!res) return;
    const text = length === 0 ? '' : bytes.toString(ascii ? 'latin1' : 'utf8', offset, offset + length);
    switch (kind) {
      case JSON_REPLY:
        this.#counts.ok += 1;
        res.cork(() => {
          this.#writeHead(res, JSON_HEAD);
          this.#end(res, text, length);
        });
        break;
      case NO_REPLY:
        this.#counts.ok += 1;
        res.cork(() => {
          res.writeStatus('204 No Content');
          res.writeHeader('Cache-Control', `no-store${this.#more()}`);
          res.endWithoutBody(undefined, this.#closes);
        });
        break;
      case REFUSAL:
        this.#refused(res, detail, text);
        break;
      default:
        this.refuse(LINK_PROBLEMS[detail] ?? 'internal', text);
        return;
    }
    this.#close(undefined);
  }

  /** @param closes the connection, too. */
  refuse(code: ProblemCode, detail?: string, closes = false): void {
    // Perhaps the request is still being parsed: behind an answer that ends the connection the parser would go on.
    if (this.#request.last) setImmediate(() => this.#refuse(code, detail, closes));
    else this.#refuse(code, detail, closes);
  }

  /** It could not be answered: its client sees a closed connection, so an unknown outcome. */
  cut(): void {
    this.#res?.close();
  }

  #refuse(code: ProblemCode, detail: string | undefined, closes: boolean): void {
    const res = this.#res;
    if (!res) return;
    const requestId = requestIdOf(this.#request.requestId);
    this.#counts.problems[code] += 1;
    this.#context.onProblem(code, this.#counts, requestId);
    res.cork(() => {
      res.writeStatus(statusLine(code));
      res.writeHeader(
        'Content-Type',
        `${PROBLEM_HEAD}${this.#context.corsHeaders(this.#request)}\r\nX-Request-Id: ${requestId}`,
      );
      if (isRetryable(code)) res.writeHeader('Retry-After', `${this.#context.retryAfterSeconds()}`);
      const body = problemBody(code, requestId, detail || undefined);
      this.#end(res, body, Buffer.byteLength(body), closes);
    });
    this.#close(undefined);
  }

  /** @param members the members `code` and `details`, as the actor gave them. */
  #refused(res: HttpResponse, status: number, members: string): void {
    const requestId = requestIdOf(this.#request.requestId);
    this.#counts.refused += 1;
    const body = `{"type":"${REFUSAL_TYPE}","title":"The actor refused","status":${status},${members},"requestId":${JSON.stringify(requestId)}}`;
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Refused'}`);
      this.#writeHead(res, PROBLEM_HEAD);
      this.#end(res, body, Buffer.byteLength(body));
    });
  }

  /** Several headers in one call: each call into the library costs about as much as everything else that is done here. */
  #writeHead(res: HttpResponse, head: string): void {
    res.writeHeader('Content-Type', head + this.#more());
  }

  #more(): string {
    const { requestId } = this.#request;
    const cors = this.#context.corsHeaders(this.#request);
    return requestId === '' ? cors : `${cors}\r\nX-Request-Id: ${requestIdOf(requestId)}`;
  }

  get #closes(): boolean {
    return this.#request.last || this.#context.draining;
  }

  #end(res: HttpResponse, body: string, length: number, closes = false): void {
    if (this.#withBody) res.end(body, closes || this.#closes);
    else {
      // The library would wait for a body of that length.
      res.writeHeader('Content-Length', `${length}`);
      res.endWithoutBody();
    }
  }

  #close(position: number | undefined): void {
    if (!this.#res) return;
    this.#res = undefined;
    this.#context.closed(position);
  }
}
