/**
 * Writes the HTTP answer to a request of the sequence: `{"next": ` + digits + `}`. A small body becomes a string. A large one is sent from the memory in which its
 * digits are: the JSON around them is written into the margins before and behind the digits.
 */

import type { HttpResponse } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import type { ProblemCode } from '../../errors.js';
import { endWithoutBody, endWithProblem } from '../../http/answers.js';
import type { RequestCounts } from '../../http/request-counts.js';
import type { RequestFacts } from '../../http/request-head.js';
import { requestIdOf } from '../../http/request-id.js';
import { Response } from '../../http/response.js';
import type { ResponseContext } from '../../http/response-context.js';
import type { Responder } from '../../runtime/front/request-queue.js';
import type { ReplyView } from '../../runtime/link/front-link.js';
import { LINK_PROBLEMS, NUMBER_REPLY } from '../../runtime/link/reply-kind.js';
import type { Digits } from './digits.js';

/** From this many bytes on, sending from shared memory is cheaper than making a string. */
const LARGE_BYTES = 512;

/** What a response needs of the sequence. */
export interface Numbers {
  readonly digits: Digits;
  /** Calls `show` of the response when the digits are at hand: perhaps before this returns. */
  show(index: number, response: NumberResponse): void;
  /** The same, for a number that was handed out before. */
  showAgain(index: number, response: NumberResponse): void;
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

export class NumberResponse extends Response implements Responder {
  readonly #numbers: Numbers;
  readonly #wrapping: Wrapping;

  constructor(
    res: HttpResponse,
    context: ResponseContext,
    numbers: Numbers,
    wrapping: Wrapping,
    withBody: boolean,
    counts: RequestCounts,
    request: RequestFacts,
  ) {
    super(res, context, counts, withBody, request);
    this.#numbers = numbers;
    this.#wrapping = wrapping;
  }

  reply(view: ReplyView): void {
    this.position = undefined;
    if (!this.res) return;
    this.note(view);
    const { kind, detail, replayed } = view;
    if (kind === NUMBER_REPLY && replayed) this.#numbers.showAgain(detail, this);
    else if (kind === NUMBER_REPLY) this.#numbers.show(detail, this);
    else this.refuse(LINK_PROBLEMS[detail] ?? 'internal');
  }

  refuse(code: ProblemCode): void {
    const res = this.res;
    if (!res) return;
    try {
      res.cork(() => endWithProblem(res, code, this.context, this.withBody, this.counts, this.request));
      this.close(undefined);
    } catch (error) {
      this.abandon(error);
    }
  }

  /** Sends the number whose digits stand between these addresses. */
  show(index: number, start: number, end: number): void {
    const res = this.res;
    if (!res) return;
    try {
      this.#send(res, index, start, end);
    } catch (error) {
      this.abandon(error);
    }
  }

  /** Sends a number whose digits are a text of their own. */
  showText(index: number, digits: string): void {
    const res = this.res;
    if (!res) return;
    const { prefix, suffix } = this.#wrapping;
    const body = Buffer.from(prefix + digits + suffix, 'latin1');
    try {
      this.counts.ok += 1;
      this.sendBytes(res, body, () => this.#writeHead(res, index));
    } catch (error) {
      this.abandon(error);
    }
  }

  #send(res: HttpResponse, index: number, start: number, end: number): void {
    const { prefix, suffix } = this.#wrapping;
    const length = prefix.length + end - start + suffix.length;
    this.counts.ok += 1;
    if (this.withBody && length >= LARGE_BYTES) {
      this.#sendLarge(res, index, start, end, length);
      return;
    }
    const { bytes } = this.#numbers.digits;
    res.cork(() => {
      this.#writeHead(res, index);
      if (this.withBody) res.end(prefix + bytes.toString('latin1', start, end) + suffix, this.closes);
      else endWithoutBody(res, length);
    });
    this.close(undefined);
  }

  #sendLarge(res: HttpResponse, index: number, start: number, end: number, length: number): void {
    const { prefix, suffix } = this.#wrapping;
    const { bytes } = this.#numbers.digits;
    const bodyStart = start - prefix.length;
    for (let at = 0; at < prefix.length; at++) bytes[bodyStart + at] = prefix.charCodeAt(at);
    for (let at = 0; at < suffix.length; at++) bytes[end + at] = suffix.charCodeAt(at);
    this.sendBytes(res, new Uint8Array(bytes.buffer, bodyStart, length), () => this.#writeHead(res, index));
  }

  /** Three headers in one call: each call into the library costs about as much as everything else that is done here. */
  #writeHead(res: HttpResponse, index: number): void {
    const cors = this.context.corsHeaders(this.request);
    res.writeHeader(
      'Content-Type',
      `application/json\r\nCache-Control: no-store${cors}${this.replyLines}\r\nSequence-Index: ${index}`,
    );
    const { requestId } = this.request;
    if (requestId) res.writeHeader('X-Request-Id', requestIdOf(requestId));
  }
}
