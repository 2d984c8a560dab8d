/**
 * The front of a service of actors: uWebSockets.js on the main thread. Knows no actor; their routes are in `actor-routes.ts`.
 *
 * uWebSockets.js ends the process when a handler throws, or returns with neither an answer nor an abort handler.
 */

import type {
  HttpRequest,
  HttpResponse,
  ListenOptions,
  TemplatedApp,
  us_listen_socket,
} from 'uWebSockets.js';
import { timingSafeEqual } from 'node:crypto';
import { type ProblemCode, WarrenError } from '../errors.js';
import type { Definition } from '../runtime/definition.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import { type ActorContext, ActorResponse } from './actor-response.js';
import { ActorRoutes } from './actor-routes.js';
import { Cors } from './cors.js';
import type { Uws } from './load-uws.js';
import { afterParsing, refuseAndClose } from './refusal.js';
import { RequestCounts } from './request-counts.js';
import {
  type BodyUse,
  HEAD_LIMIT_BYTES,
  HEADER_LIMIT,
  type RequestFacts,
  RequestHead,
} from './request-head.js';
import { requestIdOf } from './request-id.js';

export interface ActorServerOptions {
  readonly uws: Uws;
  readonly owner: OwnerHandle;
  readonly definitions: readonly Definition[];
  readonly openLimit: number;
  readonly bodyLimit: number;
  /** Connections that may be open. */
  readonly connectionLimit: number;
  readonly corsOrigins: readonly string[];
  /** Asked for as bearer token on every path but `/health` and `/ready`; empty for none. */
  readonly token: string;
  /** What `/openapi.json` answers. */
  readonly description: string;
  readonly onError: (error: unknown) => void;
  readonly onProblem: ActorContext['onProblem'];
}

const HEALTHY = '{"status": "healthy"}';
const READY = '{"status": "ready"}';
/** Without this option a second process would share the port, and with it the requests. */
const EXCLUSIVE_PORT = 1 satisfies ListenOptions.LIBUS_LISTEN_EXCLUSIVE_PORT;

/** The form with host and options, which the library takes and its types leave out. */
type ListenExclusively = (
  host: string,
  port: number,
  options: number,
  callback: (socket: us_listen_socket | false) => void,
) => void;

/** A token; the library takes any bytes without a blank. */
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;
const HEAD_LIMITS = `${HEAD_LIMIT_BYTES} bytes and ${HEADER_LIMIT} headers at most`;

export class ActorServer implements ActorContext {
  readonly routes: ActorRoutes;
  draining = false;
  readonly #options: ActorServerOptions;
  readonly #app: TemplatedApp;
  readonly #token: Buffer | undefined;
  readonly #other = new RequestCounts('ANY', 'other');
  readonly #cors: Cors;
  /** Of the request whose handler runs. */
  readonly #head = new RequestHead();
  connections = 0;
  #open = 0;
  #listenSocket: us_listen_socket | undefined;
  #drained: (() => void) | undefined;

  constructor(options: ActorServerOptions) {
    const { uws, owner, definitions, bodyLimit, token, description } = options;
    this.#options = options;
    this.#token = token === '' ? undefined : Buffer.from(`Bearer ${token}`);
    this.#app = uws.App();
    this.#app.filter((res, change) => this.#countConnection(res, Number(change)));
    this.#cors = new Cors(options.corsOrigins);
    this.#alone('/health', HEALTHY, () => owner.alive, true);
    this.#alone('/ready', READY, () => owner.serving && !this.draining, true);
    this.#alone('/openapi.json', description, () => true, false);
    this.routes = new ActorRoutes({
      definitions,
      owner,
      context: this,
      bodyLimit,
      onError: options.onError,
      admit: (res, req, body) => this.#admit(res, req, body),
      onRoute: (path, methods) => this.#answerPreflights(path, methods),
    });
    this.routes.register(this.#app);
    this.#app.any('/*', (res, req) => {
      const withBody = req.getMethod() !== 'head';
      const request = this.#admit(res, req, withBody ? 'ignored' : 'refused');
      if (request)
        this.#refuse(res, request, METHOD.test(req.getMethod()) ? 'not-found' : 'bad-request', withBody);
    });
  }

  /** @returns the port. @throws WarrenError `listen-failed` when the address is taken or not ours. */
  listen(host: string, port: number): Promise<number> {
    const { uws } = this.#options;
    return new Promise((resolve, reject) => {
      const listen = this.#app.listen.bind(this.#app) as unknown as ListenExclusively;
      listen(host || '0.0.0.0', port, EXCLUSIVE_PORT, (socket) => {
        if (!socket) {
          reject(new WarrenError('listen-failed', `cannot listen on ${host}:${port}; is the port taken?`));
          return;
        }
        this.#listenSocket = socket;
        resolve(uws.us_socket_local_port(socket));
      });
    });
  }

  /** Takes no new connections and no new requests; resolves when every open request is answered or gone. */
  drain(): Promise<void> {
    this.draining = true;
    if (this.#listenSocket) this.#options.uws.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.#open === 0) resolve();
    });
  }

  /** Waits for no request any more. */
  abandon(): void {
    this.#drained?.();
  }

  /** Ends every connection. */
  close(): void {
    this.#app.close();
  }

  opened(): boolean {
    this.#open += 1;
    return !this.draining && this.#open <= this.#options.openLimit;
  }

  closed(position: number | undefined): void {
    this.#open -= 1;
    if (position !== undefined) this.#options.owner.withdraw(position);
    if (this.#open === 0) this.#drained?.();
  }

  retryAfterSeconds(): number {
    return this.#options.owner.retryAfterSeconds();
  }

  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void {
    this.#options.onProblem(code, counts, requestId);
  }

  corsHeaders(request: RequestFacts): string {
    return this.#cors.headers(request);
  }

  /** One connection too many is closed without an answer: nothing was asked yet. */
  #countConnection(res: HttpResponse, change: number): void {
    this.connections += change;
    if (change > 0 && this.connections > this.#options.connectionLimit) res.close();
  }

  /** A request whose framing is not trusted is refused, and its connection ends; so does one without the token. */
  #admit(res: HttpResponse, req: HttpRequest, body: BodyUse, open = false): RequestFacts | undefined {
    const fault = this.#head.read(req, req.getUrl().length, body);
    const request = this.#head.facts();
    if (fault) {
      afterParsing(res, () => {
        const requestId = requestIdOf(request.requestId);
        this.#other.problems[fault] += 1;
        this.onProblem(fault, this.#other, requestId);
        const detail = fault === 'head-too-large' ? HEAD_LIMITS : undefined;
        refuseAndClose(res, fault, body !== 'refused', requestId, this.corsHeaders(request), detail);
      });
      return undefined;
    }
    const token = this.#token;
    if (!token || open) return request;
    const given = Buffer.from(req.getHeader('authorization'));
    // Of equal length, or a comparison in constant time is not possible; the length of the token is no secret.
    if (given.length === token.length && timingSafeEqual(given, token)) return request;
    this.#refuse(res, request, 'unauthorized', req.getMethod() !== 'head');
    return undefined;
  }

  #refuse(res: HttpResponse, request: RequestFacts, code: ProblemCode, withBody: boolean): void {
    this.#open += 1;
    new ActorResponse(res, this, this.#other, withBody, request).refuse(code);
  }

  #answerPreflights(path: string, methods: readonly string[]): void {
    if (this.#options.corsOrigins.length === 0) return;
    const headers = this.#cors.preflight(methods);
    this.#app.options(path, (res, req) => {
      const asks =
        this.#cors.allows(req.getHeader('origin')) && req.getHeader('access-control-request-method') !== '';
      const request = asks ? this.#admit(res, req, 'ignored', true) : undefined;
      if (!asks) req.setYield(true);
      else if (request) {
        res.writeStatus('204 No Content');
        res.writeHeader('Cache-Control', `no-store${this.corsHeaders(request)}${headers}`);
        res.endWithoutBody(undefined, request.last);
      }
    });
  }

  /** What the front answers alone. @param open without the token. */
  #alone(path: string, body: string, well: () => boolean, open: boolean): void {
    const register = (withBody: boolean) => (res: HttpResponse, req: HttpRequest) => {
      const request = this.#admit(res, req, withBody ? 'ignored' : 'refused', open);
      if (!request) return;
      if (!well()) {
        this.#refuse(res, request, 'not-ready', withBody);
        return;
      }
      const answer = () => {
        res.writeHeader(
          'Content-Type',
          `application/json\r\nCache-Control: no-store${this.corsHeaders(request)}`,
        );
        if (withBody) res.end(body, request.last || this.draining);
        else {
          res.writeHeader('Content-Length', `${Buffer.byteLength(body)}`);
          res.endWithoutBody();
        }
      };
      if (request.last) afterParsing(res, () => res.cork(answer));
      else answer();
    };
    this.#app.get(path, register(true));
    this.#app.head(path, register(false));
  }
}
