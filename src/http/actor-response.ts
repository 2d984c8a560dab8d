/** Writes the HTTP answer to one request of an actor: a reply, a refusal or a problem. Main thread only. */

import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ProblemCode } from '../errors.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { JSON_REPLY, LINK_PROBLEMS, NO_REPLY, REFUSAL } from '../runtime/link/reply-kind.js';
import { REFUSAL_TYPE } from '../runtime/refusal-body.js';
import { bodyOf } from './body-text.js';
import { isRetryable, PROBLEM_TYPE, problemBody, statusLine } from './problem.js';
import { requestIdOf } from './request-id.js';
import { LARGE_BYTES, Response } from './response.js';

/** Made once: a text that is put together for each answer costs the library more than all else of its head. */
const JSON_HEAD = 'application/json\r\nCache-Control: no-store';
const PROBLEM_HEAD = `${PROBLEM_TYPE}\r\nCache-Control: no-store`;

export class ActorResponse extends Response implements Responder {
  reply(view: ReplyView, bytes: Buffer): void {
    const { res } = this;
    if (!res) return;
    this.note(view);
    const { kind, detail, ascii, offset, length } = view;
    // As bytes also where `bodyOf` would make bytes of the text again.
    if (kind === JSON_REPLY && (length >= LARGE_BYTES || !ascii) && this.withBody) {
      this.counts.ok += 1;
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
      this.sendBytes(res, body, () => this.#writeHead(res, JSON_HEAD));
      return;
    }
    const text = length === 0 ? '' : bytes.toString(ascii ? 'latin1' : 'utf8', offset, offset + length);
    switch (kind) {
      case JSON_REPLY:
        this.counts.ok += 1;
        res.cork(() => {
          this.#writeHead(res, JSON_HEAD);
          this.#end(res, text, length);
        });
        break;
      case NO_REPLY:
        this.counts.ok += 1;
        res.cork(() => {
          res.writeStatus('204 No Content');
          res.writeHeader('Cache-Control', `no-store${this.#more()}`);
          res.endWithoutBody(undefined, this.closes);
        });
        break;
      case REFUSAL:
        this.#refused(res, detail, text);
        break;
      default:
        this.refuse(LINK_PROBLEMS[detail] ?? 'internal', text);
        return;
    }
    this.close(undefined);
  }

  /** @param closes whether the answer closes the connection. */
  refuse(code: ProblemCode, detail?: string, closes = false): void {
    // Perhaps the request is still being parsed: behind an answer that ends the connection the parser would go on.
    if (this.request.last) setImmediate(() => this.#refuse(code, detail, closes));
    else this.#refuse(code, detail, closes);
  }

  #refuse(code: ProblemCode, detail: string | undefined, closes: boolean): void {
    const { res } = this;
    if (!res) return;
    const requestId = requestIdOf(this.request.requestId);
    this.counts.problems[code] += 1;
    this.context.onProblem(code, this.counts, requestId);
    res.cork(() => {
      res.writeStatus(statusLine(code));
      res.writeHeader(
        'Content-Type',
        `${PROBLEM_HEAD}${this.context.corsHeaders(this.request)}\r\nX-Request-Id: ${requestId}`,
      );
      if (isRetryable(code)) res.writeHeader('Retry-After', `${this.context.retryAfterSeconds()}`);
      const body = problemBody(code, requestId, detail || undefined);
      this.#end(res, body, Buffer.byteLength(body), closes);
    });
    this.close(undefined);
  }

  /** @param members the members `code` and `details`, as the actor gave them. */
  #refused(res: HttpResponse, status: number, members: string): void {
    this.counts.refused += 1;
    const { idempotencyKey, requestId } = this.request;
    // A retry gets the same body, so the body of a command with a key has no request id.
    const id = idempotencyKey === undefined ? `,"requestId":${JSON.stringify(requestIdOf(requestId))}` : '';
    const body = `{"type":"${REFUSAL_TYPE}","title":"The actor refused","status":${status},${members}${id}}`;
    res.cork(() => {
      res.writeStatus(`${status} ${STATUS_CODES[status] ?? 'Refused'}`);
      this.#writeHead(res, PROBLEM_HEAD);
      this.#end(res, body, Buffer.byteLength(body));
    });
  }

  /** Writes several headers with one call: a call into the library costs about as much as everything else here. */
  #writeHead(res: HttpResponse, head: string): void {
    res.writeHeader('Content-Type', head + this.#more());
  }

  #more(): string {
    const { requestId } = this.request;
    const cors = this.context.corsHeaders(this.request);
    const lines = this.replyLines + cors;
    return requestId === '' ? lines : `${lines}\r\nX-Request-Id: ${requestIdOf(requestId)}`;
  }

  #end(res: HttpResponse, body: string, length: number, closes = false): void {
    if (this.withBody) res.end(bodyOf(body, length), closes || this.closes);
    else {
      // With a length of its own the library would wait for a body.
      res.writeHeader('Content-Length', `${length}`);
      res.endWithoutBody();
    }
  }
}
