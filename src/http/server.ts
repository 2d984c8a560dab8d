/** The HTTP front: uWebSockets.js on the main thread. It owns paths, connections and limits. Routes decide what a request means. */
import type { HttpResponse, ListenOptions, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { type ProblemCode, WarrenError } from '../errors.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import { Admission, type Entry } from './admission.js';
import { endPreflight, endWithProblem } from './answers.js';
import { Cors } from './cors.js';
import { frontRoutes } from './front-routes.js';
import type { Uws } from './load-uws.js';
import { openApi } from './openapi.js';
import { RequestCounts } from './request-counts.js';
import type { BodyUse, RequestFacts } from './request-head.js';
import type { ResponseContext } from './response-context.js';
import type { Handler, Method, Route } from './route.js';
import type { SlowReaders } from './slow-readers.js';

export interface ServerOptions {
  readonly uws: Uws;
  /** Version of the program. */
  readonly version: string;
  readonly owner: OwnerHandle;
  readonly slowReaders: SlowReaders;
  /** Requests that may wait for their answer. */
  readonly openLimit: number;
  /** Connections beyond this many are closed at once. */
  readonly connectionLimit: number;
  /** Origins whose pages may read answers; `*` for any, none by default. */
  readonly corsOrigins: readonly string[];
  /** The bearer token that every route but the open ones requires; empty for none. */
  readonly token: string;
  /** A handler threw. */
  readonly onError: (error: unknown) => void;
  /** Called when a request was answered with a problem. */
  readonly onProblem: ResponseContext['onProblem'];
}

const BODY_USE = { GET: 'ignored', HEAD: 'refused', POST: 'taken' } as const satisfies Record<
  Method,
  BodyUse
>;

/** Without this option a second process would share the port, and with it the requests. */
const EXCLUSIVE_PORT = 1 satisfies ListenOptions.LIBUS_LISTEN_EXCLUSIVE_PORT;

/** The form with host and options, which the library takes and its types leave out. */
type ListenExclusively = (
  host: string,
  port: number,
  options: number,
  callback: (socket: us_listen_socket | false) => void,
) => void;

export class Server implements ResponseContext {
  readonly #options: ServerOptions;
  readonly #app: TemplatedApp;
  readonly #cors: Cors;
  readonly #admission: Admission;
  readonly slowReaders: SlowReaders;
  /** Each answer ends its connection. */
  draining = false;
  /** New requests are refused. */
  #refusing = false;
  #abandoned = false;
  #lingered: (() => void) | undefined;
  /** Counts by route and method, and one for requests of other paths. */
  readonly counts: RequestCounts[] = [];
  connections = 0;
  connectionsRefused = 0;
  #routes: readonly Route[] = [];
  #open = 0;
  #listenSocket: us_listen_socket | undefined;
  #drained: (() => void) | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.slowReaders = options.slowReaders;
    this.#admission = new Admission(this, options.token);
    this.#cors = new Cors(options.corsOrigins);
    this.#app = options.uws.App();
    this.#app.filter((res, change) => this.#countConnection(res, Number(change)));
  }

  /** Registers the routes. Called once. @param ready whether requests can be answered now. */
  register(routes: readonly Route[], ready: () => boolean): void {
    const { owner, version } = this.#options;
    let description = Buffer.alloc(0);
    const all = [
      ...frontRoutes({
        context: this,
        healthy: () => owner.alive,
        ready: () => ready() && !this.draining,
        description: () => description,
      }),
      ...routes,
    ];
    description = Buffer.from(JSON.stringify(openApi(version, all)));
    this.#routes = all;
    for (const route of all) this.#register(route);
    this.#answerWithProblem('/*', 'not-found', this.#count('ANY', 'other', ''));
  }

  /** The problems that a route may answer with. */
  problemsOf(method: string, path: string): readonly ProblemCode[] {
    const route = this.#routes.find((one) => one.path === path);
    if (!route) return ['not-found'];
    if (method === 'ANY') return ['method-not-allowed'];
    // Any handler may throw.
    return [...route.problems, 'internal'];
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

  /**
   * Takes no new connections, and ends each open one with its next answer: so its client goes to another node, and no request is cut off.
   *
   * @returns when no connection is open, or after `ms` milliseconds.
   */
  async linger(ms: number): Promise<void> {
    // A connection that waits to be accepted would be reset, perhaps with a request on it.
    await afterEvents();
    this.#stopListening();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#lingered = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.connections === 0 || this.#abandoned) this.#lingered();
    });
  }

  /** Takes no new connections and no new requests; resolves when every open request is answered or gone. */
  drain(): Promise<void> {
    this.#stopListening();
    this.#refusing = true;
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.#open === 0 || this.#abandoned) resolve();
    });
  }

  /** Stops waiting, for connections and for open requests. */
  abandon(): void {
    this.#abandoned = true;
    this.#lingered?.();
    this.#drained?.();
  }

  #stopListening(): void {
    this.draining = true;
    if (this.#listenSocket) this.#options.uws.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
  }

  /** Ends every connection. What has come by then is refused, and not cut off. */
  async close(): Promise<void> {
    await afterEvents();
    this.slowReaders.close();
    this.#app.close();
  }

  opened(): boolean {
    this.#open += 1;
    return !this.#refusing && this.#open <= this.#options.openLimit;
  }

  closed(position: number | undefined): void {
    this.#open -= 1;
    if (position !== undefined) this.#options.owner.withdraw(position);
    if (this.#open === 0) this.#drained?.();
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
    if (this.connections === 0) this.#lingered?.();
    if (change < 0 || this.connections <= this.#options.connectionLimit) return;
    this.connectionsRefused += 1;
    res.close();
  }

  #register(route: Route): void {
    const { path, methods, actor, open } = route;
    const keyed = path.includes('/:key');
    for (const method of methods) {
      const entry: Entry = {
        handler: route.handler(method),
        counts: this.#count(method, path, actor),
        body: BODY_USE[method],
        open,
        atOnce: method === 'POST' && route.readsBody,
        keyed,
      };
      this.#on(method)(path, (res, req) => this.#admission.admit(res, req, entry));
    }
    if (this.#options.corsOrigins.length > 0) this.#answerPreflights(route);
    const allow = methods.join(', ');
    this.#answerWithProblem(path, 'method-not-allowed', this.#count('ANY', path, actor), open, { allow });
  }

  /** Requests with this method that are no preflights, or come from an origin that may not read answers, get the next handler. */
  #answerPreflights({ path, methods, actor }: Route): void {
    const counts = this.#count('OPTIONS', path, actor);
    const headers = this.#cors.preflight(methods);
    const handler: Handler = (res, request) =>
      endPreflight(res, this.#cors.headers(request) + headers, counts);
    const entry: Entry = { handler, counts, body: 'ignored', open: true, atOnce: false, keyed: false };
    this.#app.options(path, (res, req) => {
      if (!this.#cors.allows(req.getHeader('origin'))) req.setYield(true);
      else if (req.getHeader('access-control-request-method') === '') req.setYield(true);
      else this.#admission.admit(res, req, entry);
    });
  }

  #answerWithProblem(
    pattern: string,
    code: ProblemCode,
    counts: RequestCounts,
    open = false,
    extra: { allow?: string } = {},
  ): void {
    const entry = (withBody: boolean): Entry => ({
      handler: (res, request) => endWithProblem(res, code, this, withBody, counts, request, extra),
      counts,
      body: withBody ? 'ignored' : 'refused',
      open,
      atOnce: false,
      keyed: false,
    });
    const [withBody, withoutBody] = [entry(true), entry(false)];
    this.#app.any(pattern, (res, req) => {
      if (!this.#admission.hasMethod(res, req, counts)) return;
      const isHead = req.getCaseSensitiveMethod() === 'HEAD';
      this.#admission.admit(res, req, isHead ? withoutBody : withBody);
    });
  }

  #count(method: string, path: string, actor: string): RequestCounts {
    const counts = new RequestCounts(method, path, actor);
    this.counts.push(counts);
    return counts;
  }

  #on(method: Method): TemplatedApp['get'] {
    const app = this.#app;
    const register = { GET: app.get, HEAD: app.head, POST: app.post }[method];
    return register.bind(app);
  }
}

/** Resolves right after the event loop has looked for events once more: the first of the two may come without such a look. */
async function afterEvents(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}
