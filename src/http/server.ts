/**
 * The front: uWebSockets.js on the main thread. It turns requests into asks and knows nothing of what they mean.
 *
 * uWebSockets.js ends the process when a handler throws, or returns with neither an answer nor an abort handler. So every
 * handler runs inside `#guarded`, which answers as long as no `Reply` has taken over `res`.
 */
import type {
  HttpRequest,
  HttpResponse,
  ListenOptions,
  TemplatedApp,
  us_listen_socket,
} from 'uWebSockets.js';
import { type ProblemCode, WarrenError } from '../errors.js';
import type { OwnerHandle } from '../runtime/owner-handle.js';
import { Cors } from './cors.js';
import type { Digits } from './digits.js';
import type { Uws } from './load-uws.js';
import { afterParsing, refuseAndClose } from './refusal.js';
import {
  endPreflight,
  endWithDocument,
  endWithJson,
  endWithProblem,
  Reply,
  type ReplyContext,
  Wrapping,
} from './reply.js';
import { RequestCounts } from './request-counts.js';
import {
  type BodyUse,
  HEAD_LIMIT_BYTES,
  HEADER_LIMIT,
  type RequestFacts,
  RequestHead,
} from './request-head.js';
import { requestIdOf } from './request-id.js';
import { type FrontAnswer, type Method, ROUTES, type Route } from './routes.js';
import type { SlowReaders } from './slow-readers.js';

export interface ServerOptions {
  readonly uws: Uws;
  readonly owner: OwnerHandle;
  readonly digits: Digits;
  readonly slowReaders: SlowReaders;
  /** Whether the digits of the owner's replies are at hand. */
  readonly rendering: () => boolean;
  readonly openLimit: number;
  /** Connections beyond this many are closed at once. */
  readonly connectionLimit: number;
  /** Origins whose pages may read answers; `*` for any, none by default. */
  readonly corsOrigins: readonly string[];
  /** What `/openapi.json` answers. */
  readonly description: string;
  /** A handler threw. */
  readonly onError: (error: unknown) => void;
  /** A request was answered with a problem. */
  readonly onProblem: ReplyContext['onProblem'];
}

/** A token; the library takes any bytes without a blank. */
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;
const HEAD_LIMITS = `${HEAD_LIMIT_BYTES} bytes and ${HEADER_LIMIT} headers at most`;
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

export class Server implements ReplyContext {
  readonly #options: ServerOptions;
  readonly #app: TemplatedApp;
  readonly #cors: Cors;
  /** Of the request whose handler runs. */
  readonly #head = new RequestHead();
  readonly digits: Digits;
  readonly slowReaders: SlowReaders;
  draining = false;
  /** By route, and one for all that is no route. */
  readonly counts: RequestCounts[] = [];
  connections = 0;
  connectionsRefused = 0;
  #open = 0;
  #listenSocket: us_listen_socket | undefined;
  #drained: (() => void) | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.digits = options.digits;
    this.slowReaders = options.slowReaders;
    this.#app = options.uws.App();
    this.#app.filter((res, change) => this.#countConnection(res, Number(change)));
    this.#cors = new Cors(options.corsOrigins);
    for (const route of ROUTES) this.#register(route);
    this.#answerWithProblem('/*', 'not-found', this.#count('ANY', 'other'));
  }

  /** Requests that wait for their answer, or for their client to read it. */
  get open(): number {
    return this.#open;
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

  /** Takes no new connections and no new asks; resolves when every open request is answered or gone. */
  drain(): Promise<void> {
    this.draining = true;
    if (this.#listenSocket) this.#options.uws.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.#open === 0) resolve();
    });
  }

  /** Ends every connection. */
  close(): void {
    this.slowReaders.close();
    this.#app.close();
  }

  closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#drained?.();
  }

  left(ask: number): void {
    this.#options.owner.withdraw(ask);
  }

  retryAfterSeconds(): number {
    return this.#options.owner.retryAfterSeconds();
  }

  onError(error: unknown): void {
    this.#options.onError(error);
  }

  corsHeaders(request: RequestFacts): string {
    return this.#cors.headers(request);
  }

  onProblem(code: ProblemCode, counts: RequestCounts, requestId: string): void {
    this.#options.onProblem(code, counts, requestId);
  }

  /**
   * @param change 1 for a new connection, -1 for one that has ended. One too many is closed without an answer: nothing was asked yet, and the
   * descriptors that are left belong to the rest of the process.
   */
  #countConnection(res: HttpResponse, change: number): void {
    this.connections += change;
    if (change < 0 || this.connections <= this.#options.connectionLimit) return;
    this.connectionsRefused += 1;
    res.close();
  }

  #register({ path, methods, answer }: Route): void {
    for (const method of methods) {
      const counts = this.#count(method, path);
      const handler =
        typeof answer === 'string'
          ? this.#frontHandler(answer, method, counts)
          : this.#askHandler(answer, method, counts);
      const body = ({ GET: 'ignored', HEAD: 'refused', POST: 'taken' } as const)[method];
      this.#on(method)(path, (res, req) => this.#guarded(res, req, path.length, body, counts, handler));
    }
    if (this.#options.corsOrigins.length > 0) this.#answerPreflights(path, methods);
    const allow = methods.join(', ');
    this.#answerWithProblem(path, 'method-not-allowed', this.#count('ANY', path), { allow });
  }

  /** Other requests with this method, and those of pages that may not read the answer, go on to the next handler. */
  #answerPreflights(path: string, methods: readonly Method[]): void {
    const counts = this.#count('OPTIONS', path);
    const headers = this.#cors.preflight(methods);
    const handler: Handler = (res, request) =>
      endPreflight(res, this.#cors.headers(request) + headers, counts);
    this.#app.options(path, (res, req) => {
      if (!this.#cors.allows(req.getHeader('origin'))) req.setYield(true);
      else if (req.getHeader('access-control-request-method') === '') req.setYield(true);
      else this.#guarded(res, req, path.length, 'ignored', counts, handler);
    });
  }

  #answerWithProblem(
    pattern: string,
    code: ProblemCode,
    counts: RequestCounts,
    extra: { allow?: string } = {},
  ): void {
    const withBody: Handler = (res, request) => endWithProblem(res, code, this, true, counts, request, extra);
    const withoutBody: Handler = (res, request) =>
      endWithProblem(res, code, this, false, counts, request, extra);
    this.#app.any(pattern, (res, req) => {
      const { length } = req.getUrl();
      const method = req.getCaseSensitiveMethod();
      if (!METHOD.test(method)) {
        this.#head.read(req, length, 'ignored');
        this.#refuseLater(res, 'bad-request', true, counts);
      } else if (method === 'HEAD') this.#guarded(res, req, length, 'refused', counts, withoutBody);
      else this.#guarded(res, req, length, 'ignored', counts, withBody);
    });
  }

  #count(method: string, path: string): RequestCounts {
    const counts = new RequestCounts(method, path);
    this.counts.push(counts);
    return counts;
  }

  #on(method: Method): TemplatedApp['get'] {
    const app = this.#app;
    const register = { GET: app.get, HEAD: app.head, POST: app.post }[method];
    return register.bind(app);
  }

  #frontHandler(answer: FrontAnswer, method: Method, counts: RequestCounts): Handler {
    const withBody = method !== 'HEAD';
    if (answer === 'openapi') {
      const document = Buffer.from(this.#options.description);
      return (res, request) => endWithDocument(res, document, this, withBody, counts, request);
    }
    const { owner } = this.#options;
    const body = { health: HEALTHY, ready: READY }[answer];
    const well = {
      health: () => owner.alive,
      ready: () => owner.ready && this.#options.rendering() && !this.draining,
    }[answer];
    return (res, request) => {
      if (well()) endWithJson(res, body, this, withBody, counts, request);
      else endWithProblem(res, 'not-ready', this, withBody, counts, request);
    };
  }

  #askHandler(
    { message, member }: { message: number; member: string },
    method: Method,
    counts: RequestCounts,
  ): Handler {
    const withBody = method !== 'HEAD';
    const { owner, openLimit } = this.#options;
    const { margin } = this.digits;
    const plain = new Wrapping(`{"${member}": `, '}', margin);
    const quoted = new Wrapping(`{"${member}": "`, '"}', margin);
    return (res, request) => {
      const { query } = request;
      if (query && query !== 'as=string') {
        const detail = 'the only query is ?as=string';
        endWithProblem(res, 'bad-query', this, withBody, counts, request, { detail });
      } else if (this.draining) {
        endWithProblem(res, 'shutting-down', this, withBody, counts, request);
      } else if (this.#open >= openLimit) {
        endWithProblem(res, 'mailbox-full', this, withBody, counts, request);
      } else {
        this.#open += 1;
        const reply = new Reply(res, this, query ? quoted : plain, withBody, counts, request);
        try {
          reply.ask = owner.ask(message, reply);
        } catch (error) {
          this.#options.onError(error);
          reply.settle('internal');
        }
      }
    };
  }

  /** A request whose connection ends with it is answered after the parser is done: nothing behind it is taken for a request. */
  #guarded(
    res: HttpResponse,
    req: HttpRequest,
    pathBytes: number,
    body: BodyUse,
    counts: RequestCounts,
    handler: Handler,
  ): void {
    const fault = this.#head.read(req, pathBytes, body);
    if (fault) {
      this.#refuseLater(res, fault, body !== 'refused', counts);
      return;
    }
    const request = this.#head.facts();
    if (request.last) afterParsing(res, () => res.cork(() => this.#run(res, request, counts, handler)));
    else this.#run(res, request, counts, handler);
  }

  #refuseLater(res: HttpResponse, code: ProblemCode, withBody: boolean, counts: RequestCounts): void {
    const request = this.#head.facts();
    const refuse: Handler = () => this.#refuse(res, code, withBody, counts, request);
    afterParsing(res, () => this.#run(res, request, counts, refuse));
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
    this.onProblem(code, counts, requestId);
    const detail = code === 'head-too-large' ? HEAD_LIMITS : undefined;
    refuseAndClose(res, code, withBody, requestId, this.corsHeaders(request), detail);
  }

  #run(res: HttpResponse, request: RequestFacts, counts: RequestCounts, handler: Handler): void {
    try {
      handler(res, request);
    } catch (error) {
      this.#options.onError(error);
      try {
        endWithProblem(res, 'internal', this, true, counts, request);
      } catch {
        res.close();
      }
    }
  }
}

/** Answers at once, corked, or hands `res` to a `Reply`. */
type Handler = (res: HttpResponse, request: RequestFacts) => void;
