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
import type { Digits } from './digits.js';
import type { Uws } from './load-uws.js';
import { endWithDocument, endWithJson, endWithProblem, Reply, type ReplyContext, Wrapping } from './reply.js';
import { RequestCounts } from './request-counts.js';
import { REQUEST_ID_HEADER } from './request-id.js';
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
  /** What `/openapi.json` answers. */
  readonly description: string;
  /** A handler threw. */
  readonly onError: (error: unknown) => void;
  /** A request was answered with a problem. */
  readonly onProblem: ReplyContext['onProblem'];
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

export class Server implements ReplyContext {
  readonly #options: ServerOptions;
  readonly #app: TemplatedApp;
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
      this.#on(method)(path, (res, req) => this.#guarded(res, req, counts, handler));
    }
    const allow = methods.join(', ');
    this.#answerWithProblem(path, 'method-not-allowed', this.#count('ANY', path), { allow });
  }

  #answerWithProblem(
    pattern: string,
    code: ProblemCode,
    counts: RequestCounts,
    extra: { allow?: string } = {},
  ): void {
    const handler: Handler = (res, req) =>
      endWithProblem(res, code, this, req.getMethod() !== 'head', counts, idIn(req), extra);
    this.#app.any(pattern, (res, req) => this.#guarded(res, req, counts, handler));
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
      return (res) => endWithDocument(res, document, this, withBody, counts);
    }
    const { owner } = this.#options;
    const body = { health: HEALTHY, ready: READY }[answer];
    const well = {
      health: () => owner.alive,
      ready: () => owner.ready && this.#options.rendering() && !this.draining,
    }[answer];
    return (res, req) => {
      if (well()) endWithJson(res, body, this, withBody, counts);
      else endWithProblem(res, 'not-ready', this, withBody, counts, idIn(req));
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
    return (res, req) => {
      const query = req.getQuery();
      if (query && query !== 'as=string') {
        const detail = 'the only query is ?as=string';
        endWithProblem(res, 'bad-query', this, withBody, counts, idIn(req), { detail });
      } else if (this.draining) {
        endWithProblem(res, 'shutting-down', this, withBody, counts, idIn(req));
      } else if (this.#open >= openLimit) {
        endWithProblem(res, 'mailbox-full', this, withBody, counts, idIn(req));
      } else {
        this.#open += 1;
        const reply = new Reply(res, this, query ? quoted : plain, withBody, counts, idIn(req));
        try {
          reply.ask = owner.ask(message, reply);
        } catch (error) {
          this.#options.onError(error);
          reply.settle('internal');
        }
      }
    };
  }

  #guarded(res: HttpResponse, req: HttpRequest, counts: RequestCounts, handler: Handler): void {
    try {
      handler(res, req);
    } catch (error) {
      this.#options.onError(error);
      try {
        endWithProblem(res, 'internal', this, true, counts, '');
      } catch {
        res.close();
      }
    }
  }
}

type Handler = (res: HttpResponse, req: HttpRequest) => void;

function idIn(req: HttpRequest): string {
  return req.getHeader(REQUEST_ID_HEADER);
}
