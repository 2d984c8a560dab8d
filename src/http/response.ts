/**
 * The answer to one request. It owns its `res`: it and its subclasses alone call `onAborted`, `cork`, `end`, `tryEnd` and `onWritable`, and
 * never touch `res` after an abort or after the end.
 *
 * A large body is handed to the socket as bytes. What the socket does not take at once is copied, bounded with all other copies. The library's own
 * buffer has no bound.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { commitLine, REPLAYED_LINE } from './reply-lines.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import type { ResponseContext } from './response-context.js';
import type { SlowReader } from './slow-readers.js';

export abstract class Response implements SlowReader {
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

  /** The answer closes the connection. */
  protected get closes(): boolean {
    return this.request.last || this.context.draining;
  }

  /** Keeps what the headers will say about the reply. */
  protected note({ epoch, version, replayed }: ReplyView): void {
    if (this.namesCommit) this.replyLines = commitLine(epoch, version);
    if (replayed) this.replyLines += REPLAYED_LINE;
  }

  /** @param body valid until this returns. @param writeHead called once, corked. */
  protected sendBytes(res: HttpResponse, body: Uint8Array, writeHead: () => void): void {
    let done = false;
    res.cork(() => {
      writeHead();
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
