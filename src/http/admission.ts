/**
 * Checks every request before its handler runs: headers that can be trusted, and the bearer token. It also catches what a handler throws.
 *
 * uWebSockets.js ends the process when a handler throws, or returns without an answer and without an abort handler. So every handler runs inside
 * `#run`, which answers the request unless a response object has taken it over.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { timingSafeEqual } from 'node:crypto';
import type { ProblemCode } from '../errors.js';
import { endWithProblem } from './answers.js';
import { afterParsing, refuseAndClose } from './refusal.js';
import type { RequestCounts } from './request-counts.js';
import {
  type BodyUse,
  HEAD_LIMIT_BYTES,
  HEADER_LIMIT,
  type RequestFacts,
  RequestHead,
} from './request-head.js';
import { requestIdOf } from './request-id.js';
import type { ResponseContext } from './response-context.js';
import type { Handler } from './route.js';

/** A token; the library takes any bytes without a blank. */
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;
const HEAD_LIMITS = `${HEAD_LIMIT_BYTES} bytes and ${HEADER_LIMIT} headers at most`;

/** A handler, and how its requests are let in. One object for all requests of a path and a method. */
export interface Entry {
  readonly handler: Handler;
  readonly counts: RequestCounts;
  readonly body: BodyUse;
  /** The route needs no token. */
  readonly open: boolean;
  /** The handler reads the body, so it runs while the request is being parsed. */
  readonly atOnce: boolean;
  /** The path has a `:key`. */
  readonly keyed: boolean;
}

export class Admission {
  readonly #context: ResponseContext;
  readonly #token: Buffer | undefined;
  /** The headers of the request whose handler runs. */
  readonly #head = new RequestHead();

  /** @param token empty for none. */
  constructor(context: ResponseContext, token: string) {
    this.#context = context;
    this.#token = token === '' ? undefined : Buffer.from(`Bearer ${token}`);
  }

  /** When the answer closes the connection, it waits until the parser is done, so that bytes behind the request are not taken for another one. */
  admit(res: HttpResponse, req: HttpRequest, entry: Entry): void {
    const { body, open, atOnce, counts, handler } = entry;
    const fault = this.#head.read(req, req.getUrl().length, body);
    if (fault) {
      this.#refuseLater(res, fault, body !== 'refused', counts);
      return;
    }
    const request = this.#head.facts();
    if (this.#token && !open && !this.#isAuthorized(req)) {
      const refuse: Handler = () =>
        endWithProblem(res, 'unauthorized', this.#context, body !== 'refused', counts, request);
      afterParsing(res, () => res.cork(() => this.#run(res, request, counts, '', refuse)));
      return;
    }
    const key = entry.keyed ? (req.getParameter(0) ?? '') : '';
    if (request.last && !atOnce)
      afterParsing(res, () => res.cork(() => this.#run(res, request, counts, key, handler)));
    else this.#run(res, request, counts, key, handler);
  }

  /** @returns whether the path has this method; if not, the request has been refused. */
  hasMethod(res: HttpResponse, req: HttpRequest, counts: RequestCounts): boolean {
    if (METHOD.test(req.getCaseSensitiveMethod())) return true;
    this.#head.read(req, req.getUrl().length, 'ignored');
    this.#refuseLater(res, 'bad-request', true, counts);
    return false;
  }

  #isAuthorized(req: HttpRequest): boolean {
    const given = Buffer.from(req.getHeader('authorization'));
    const token = this.#token as Buffer;
    // A comparison in constant time needs equal lengths. The length of the token is no secret.
    return given.length === token.length && timingSafeEqual(given, token);
  }

  #refuseLater(res: HttpResponse, code: ProblemCode, withBody: boolean, counts: RequestCounts): void {
    const request = this.#head.facts();
    const refuse: Handler = () => this.#refuse(res, code, withBody, counts, request);
    afterParsing(res, () => this.#run(res, request, counts, '', refuse));
  }

  #refuse(
    res: HttpResponse,
    code: ProblemCode,
    withBody: boolean,
    counts: RequestCounts,
    request: RequestFacts,
  ): void {
    const requestId = requestIdOf(request.requestId);
    counts.problems[code] += 1;
    this.#context.onProblem(code, counts, requestId);
    const detail = code === 'head-too-large' ? HEAD_LIMITS : undefined;
    refuseAndClose(res, code, withBody, requestId, this.#context.corsHeaders(request), detail);
  }

  #run(res: HttpResponse, request: RequestFacts, counts: RequestCounts, key: string, handler: Handler): void {
    try {
      handler(res, request, counts, key);
    } catch (error) {
      this.#context.onError(error);
      try {
        endWithProblem(res, 'internal', this.#context, true, counts, request);
      } catch {
        res.close();
      }
    }
  }
}
