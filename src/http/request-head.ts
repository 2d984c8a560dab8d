/**
 * Reads and checks the headers of a request, in one pass over them. One object serves all requests, since the headers can be read only until the
 * handler returns. Main thread only.
 *
 * uWebSockets.js finds the end of a body in ways that RFC 9112, section 6.3, forbids: it takes the first of several Content-Length headers,
 * treats an empty one as no length and any transfer coding as `chunked`, and takes what follows the last chunk for the next request. Then
 * bytes that a proxy in front has taken for a body could be executed as a request. So only a request with an unambiguous length is accepted: one
 * without a body, or with one decimal Content-Length. Any other request is refused, and its connection is closed (`refusal.ts`). Looking up
 * single headers is not enough: the library returns the same for an empty and a missing header.
 */
import type { HttpRequest } from 'uWebSockets.js';
import type { ProblemCode } from '../errors.js';

/** Limit on request line and headers, counted with `: ` and line ends. The library's own limit must be higher. */
export const HEAD_LIMIT_BYTES = 8192;
/** The most headers of a request. The library's own limit is 98. */
export const HEADER_LIMIT = 64;

/** A method of usual length, the spaces, the version, and two line ends. */
const REQUEST_LINE_BYTES = 20;
/** `: ` and the end of the line. */
const HEADER_BYTES = 4;
/** No key has a blank. */
const SEVERAL = 'a b';
/** 15 digits are exact as a number. */
const LENGTH = /^\d{1,15}$/;

/** What an answer needs to know of its request. */
export interface RequestFacts {
  /** The X-Request-Id header, as it came; empty when there is none. */
  readonly requestId: string;
  /** The Origin header; empty when there is none. */
  readonly origin: string;
  /** The Idempotency-Key header as it came; undefined when there is none, and a text that is no key when there are several. */
  readonly idempotencyKey: string | undefined;
  /** The query string, without its question mark. */
  readonly query: string;
  /** The answer closes the connection: the client asked for that, or sent a body to a route that takes none. */
  readonly last: boolean;
}

/** The facts of nearly every request. */
const PLAIN: RequestFacts = Object.freeze({
  requestId: '',
  origin: '',
  idempotencyKey: undefined,
  query: '',
  last: false,
});

/** Whether the route has a use for a body. HEAD refuses one: the library cannot end a connection with an answer that has no body. */
export type BodyUse = 'taken' | 'ignored' | 'refused';

export class RequestHead implements RequestFacts {
  requestId = '';
  origin = '';
  idempotencyKey: string | undefined;
  query = '';
  last = false;
  #headers = 0;
  #hosts = 0;
  #bytes = 0;
  #lengths = 0;
  #length = '';
  #codings = 0;
  #coding = '';

  /**
   * @param pathBytes length of the path.
   * @returns the problem with which to refuse the request; undefined when it is valid.
   */
  read(req: HttpRequest, pathBytes: number, body: BodyUse): ProblemCode | undefined {
    this.requestId = '';
    this.origin = '';
    this.idempotencyKey = undefined;
    this.query = req.getQuery() ?? '';
    this.last = false;
    this.#headers = 0;
    this.#hosts = 0;
    this.#bytes = pathBytes + this.query.length + REQUEST_LINE_BYTES;
    this.#lengths = 0;
    this.#codings = 0;
    req.forEach(this.#visit);
    if (this.#codings > 0)
      return this.#codings === 1 && this.#isChunked() ? 'length-required' : 'bad-request';
    if (this.#lengths > 0) {
      if (this.#lengths > 1 || !LENGTH.test(this.#length)) return 'bad-request';
      if (body !== 'taken' && Number(this.#length) > 0) {
        if (body === 'refused') return 'bad-request';
        this.last = true;
      }
    }
    // The library has refused a request without a Host.
    if (this.#hosts > 1) return 'bad-request';
    if (this.#headers > HEADER_LIMIT || this.#bytes > HEAD_LIMIT_BYTES) return 'head-too-large';
    return undefined;
  }

  /** A copy, for an answer that is given later: this object may hold another request by then. */
  facts(): RequestFacts {
    const { requestId, origin, idempotencyKey, query, last } = this;
    if (requestId === '' && origin === '' && query === '' && !last && idempotencyKey === undefined) {
      return PLAIN;
    }
    return { requestId, origin, idempotencyKey, query, last };
  }

  #isChunked(): boolean {
    return this.#lengths === 0 && this.#coding.toLowerCase() === 'chunked';
  }

  /** Called for each header. The library gives names in lower case, and values without blanks around them. */
  readonly #visit = (name: string, value: string): void => {
    this.#headers += 1;
    this.#bytes += name.length + value.length + HEADER_BYTES;
    // Compared by length first, which is enough for nearly every header.
    switch (name.length) {
      case 4:
        if (name === 'host') this.#hosts += 1;
        return;
      case 6:
        if (name === 'origin') this.origin = value;
        return;
      case 10:
        if (name === 'connection' && value.toLowerCase() === 'close') this.last = true;
        return;
      case 12:
        if (name === 'x-request-id') this.requestId = value;
        return;
      case 14:
        if (name === 'content-length') {
          this.#lengths += 1;
          this.#length = value;
        }
        return;
      case 15:
        if (name === 'idempotency-key') {
          this.idempotencyKey = this.idempotencyKey === undefined ? value : SEVERAL;
        }
        return;
      case 17:
        if (name === 'transfer-encoding') {
          this.#codings += 1;
          this.#coding = value;
        }
    }
  };
}
