/**
 * The answer to one request of the sequence. It owns its `res`: it alone calls `onAborted`, `cork`, `end`, `tryEnd` and `onWritable`, and
 * it never touches `res` after an abort or after the end.
 *
 * A body is `{"next": ` + digits + `}`. A small one becomes a string. A large one is sent from where its digits stand: prefix and
 * suffix are written into the margins around them right before. What the socket does not take at once is copied, since the digits
 * stand there only until the next ones are added.
 */

import type { HttpResponse } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import type { ProblemCode } from '../../errors.js';
import { endWithoutBody, endWithProblem } from '../../http/answers.js';
import type { RequestCounts } from '../../http/request-counts.js';
import type { RequestFacts } from '../../http/request-head.js';
import { requestIdOf } from '../../http/request-id.js';
import type { ResponseContext } from '../../http/response-context.js';
import type { SlowReader } from '../../http/slow-readers.js';
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

export class NumberResponse implements Responder, SlowReader {
  readonly #context: ResponseContext;
  readonly #numbers: Numbers;
  readonly #wrapping: Wrapping;
  readonly #withBody: boolean;
  readonly #counts: RequestCounts;
  readonly #request: RequestFacts;
  #res: HttpResponse | undefined;
  /** Sends on from an offset of the body; set while the reader is slower than we are. */
  #sendOn: ((from: number) => boolean) | undefined;
  #sent = 0;
  progressAt = 0;
  /** Of the request in the owner's queue. */
  position: number | undefined;

  /**
   * @param withBody false for HEAD: headers, and the length that the body would have.
   * @param request good for longer than this call.
   */
  constructor(
    res: HttpResponse,
    context: ResponseContext,
    numbers: Numbers,
    wrapping: Wrapping,
    withBody: boolean,
    counts: RequestCounts,
    request: RequestFacts,
  ) {
    this.#res = res;
    this.#context = context;
    this.#numbers = numbers;
    this.#wrapping = wrapping;
    this.#withBody = withBody;
    this.#counts = counts;
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

  reply({ kind, detail }: ReplyView): void {
    this.position = undefined;
    if (!this.#res) return;
    if (kind === NUMBER_REPLY) this.#numbers.show(detail, this);
    else this.refuse(LINK_PROBLEMS[detail] ?? 'internal');
  }

  refuse(code: ProblemCode): void {
    const res = this.#res;
    if (!res) return;
    try {
      res.cork(() => endWithProblem(res, code, this.#context, this.#withBody, this.#counts, this.#request));
      this.#close(undefined);
    } catch (error) {
      this.#abandon(error);
    }
  }

  /** Sends the number whose digits stand between these addresses. */
  show(index: number, start: number, end: number): void {
    const res = this.#res;
    if (!res) return;
    try {
      this.#send(res, index, start, end);
    } catch (error) {
      this.#abandon(error);
    }
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

  #send(res: HttpResponse, index: number, start: number, end: number): void {
    const { prefix, suffix } = this.#wrapping;
    const length = prefix.length + end - start + suffix.length;
    this.#counts.ok += 1;
    if (this.#withBody && length >= LARGE_BYTES) {
      this.#sendLarge(res, index, start, end, length);
      return;
    }
    const { bytes } = this.#numbers.digits;
    res.cork(() => {
      this.#writeHead(res, index);
      const last = this.#context.draining || this.#request.last;
      if (this.#withBody) res.end(prefix + bytes.toString('latin1', start, end) + suffix, last);
      else endWithoutBody(res, length);
    });
    this.#close(undefined);
  }

  #sendLarge(res: HttpResponse, index: number, start: number, end: number, length: number): void {
    const { prefix, suffix } = this.#wrapping;
    const { bytes } = this.#numbers.digits;
    const bodyStart = start - prefix.length;
    for (let at = 0; at < prefix.length; at++) bytes[bodyStart + at] = prefix.charCodeAt(at);
    for (let at = 0; at < suffix.length; at++) bytes[end + at] = suffix.charCodeAt(at);
    let done = false;
    res.cork(() => {
      this.#writeHead(res, index);
      [, done] = res.tryEnd(new Uint8Array(bytes.buffer, bodyStart, length), length);
    });
    if (done) this.#close(undefined);
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
        this.#close(undefined);
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

  #close(position: number | undefined): void {
    if (!this.#res) return;
    this.#res = undefined;
    if (this.#sendOn) this.#context.slowReaders.release(this);
    this.#context.closed(position);
  }
}
