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
import { isRetryable, PROBLEM_TYPE, problemBody, statusLine } from './problem.js';
import type { RequestCounts } from './request-counts.js';
import { requestIdOf } from './request-id.js';

/** What a response needs of its server. */
export interface ActorContext {
  /** Connections are closed with their answers. */
  readonly draining: boolean;
  retryAfterSeconds(): number;
  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void;
  /** The response is answered, or its client has left. @param position of the request, when the owner may still have it. */
  closed(position: number | undefined): void;
}

export class ActorResponse implements Responder {
  readonly #context: ActorContext;
  readonly #counts: RequestCounts;
  readonly #withBody: boolean;
  readonly #clientsId: string;
  #res: HttpResponse | undefined;
  /** Of the request in the queue. */
  position: number | undefined;

  /** @param clientsId the X-Request-Id header, as it came. */
  constructor(
    res: HttpResponse,
    context: ActorContext,
    counts: RequestCounts,
    withBody: boolean,
    clientsId: string,
  ) {
    this.#res = res;
    this.#context = context;
    this.#counts = counts;
    this.#withBody = withBody;
    this.#clientsId = clientsId;
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
          this.#writeHead(res, 'application/json\r\nCache-Control: no-store');
          this.#end(res, text, length);
        });
        break;
      case NO_REPLY:
        this.#counts.ok += 1;
        res.cork(() => {
          res.writeStatus('204 No Content');
          if (this.#clientsId) res.writeHeader('X-Request-Id', requestIdOf(this.#clientsId));
          res.endWithoutBody();
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

  /** @param allow what the header `Allow` says. @param closes the connection, too. */
  refuse(
    code: ProblemCode,
    detail?: string,
    { allow, closes = false }: { allow?: string; closes?: boolean } = {},
  ): void {
    const res = this.#res;
    if (!res) return;
    const requestId = requestIdOf(this.#clientsId);
    this.#counts.problems[code] += 1;
    this.#context.onProblem(code, this.#counts, requestId);
    res.cork(() => {
      res.writeStatus(statusLine(code));
      res.writeHeader(
        'Content-Type',
        `${PROBLEM_TYPE}\r\nCache-Control: no-store\r\nX-Request-Id: ${requestId}`,
      );
      if (isRetryable(code)) res.writeHeader('Retry-After', `${this.#context.retryAfterSeconds()}`);
      if (allow) res.writeHeader('Allow', allow);
      const body = problemBody(code, requestId, detail || undefined);
      this.#end(res, body, Buffer.byteLength(body), closes);
    });
    this.#close(undefined);
  }

  /** @param members the members `code` and `details`, as the actor gave them. */
  #refused(res: HttpResponse, status: number, members: string): void {
    const requestId = requestIdOf(this.#clientsId);
    this.#counts.refused += 1;
    const body = `{"type":"urn:warren:problem:refusal","title":"The actor refused","status":${status},${members},"requestId":${JSON.stringify(requestId)}}`;
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Refused'}`);
      this.#writeHead(res, `${PROBLEM_TYPE}\r\nCache-Control: no-store`);
      this.#end(res, body, Buffer.byteLength(body));
    });
  }

  /** Several headers in one call: each call into the library costs about as much as everything else that is done here. */
  #writeHead(res: HttpResponse, typeAndMore: string): void {
    res.writeHeader('Content-Type', typeAndMore);
    if (this.#clientsId) res.writeHeader('X-Request-Id', requestIdOf(this.#clientsId));
  }

  #end(res: HttpResponse, body: string, length: number, closes = false): void {
    if (this.#withBody) res.end(body, closes || this.#context.draining);
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
