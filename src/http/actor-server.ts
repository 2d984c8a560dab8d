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
import type { Uws } from './load-uws.js';
import { RequestCounts } from './request-counts.js';
import { REQUEST_ID_HEADER } from './request-id.js';

export interface ActorServerOptions {
  readonly uws: Uws;
  readonly owner: OwnerHandle;
  readonly definitions: readonly Definition[];
  readonly openLimit: number;
  readonly bodyLimit: number;
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

type Handler = (res: HttpResponse, req: HttpRequest) => void;

export class ActorServer implements ActorContext {
  readonly routes: ActorRoutes;
  draining = false;
  readonly #options: ActorServerOptions;
  readonly #app: TemplatedApp;
  readonly #token: Buffer | undefined;
  readonly #other = new RequestCounts('ANY', 'other');
  #open = 0;
  #listenSocket: us_listen_socket | undefined;
  #drained: (() => void) | undefined;

  constructor(options: ActorServerOptions) {
    const { uws, owner, definitions, bodyLimit, token, description } = options;
    this.#options = options;
    this.#token = token === '' ? undefined : Buffer.from(`Bearer ${token}`);
    this.#app = uws.App();
    this.#alone('/health', HEALTHY, () => owner.alive, false);
    this.#alone('/ready', READY, () => owner.serving && !this.draining, false);
    this.#alone('/openapi.json', description, () => true, true);
    this.routes = new ActorRoutes({
      definitions,
      owner,
      context: this,
      bodyLimit,
      admit: (res, req) => this.#admit(res, req),
    });
    this.routes.register(this.#app);
    this.#app.any('/*', (res, req) => {
      if (this.#admit(res, req)) this.#refuse(res, req, 'not-found');
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

  #admit(res: HttpResponse, req: HttpRequest): boolean {
    const token = this.#token;
    if (!token) return true;
    const given = Buffer.from(req.getHeader('authorization'));
    // Of equal length, or a comparison in constant time is not possible; the length of the token is no secret.
    if (given.length === token.length && timingSafeEqual(given, token)) return true;
    this.#refuse(res, req, 'unauthorized');
    return false;
  }

  #refuse(res: HttpResponse, req: HttpRequest, code: ProblemCode): void {
    this.#open += 1;
    const withBody = req.getMethod() !== 'head';
    new ActorResponse(res, this, this.#other, withBody, req.getHeader(REQUEST_ID_HEADER)).refuse(code);
  }

  /** What the front answers alone. */
  #alone(path: string, body: string, well: () => boolean, guarded: boolean): void {
    const handler: Handler = (res, req) => {
      if (guarded && !this.#admit(res, req)) return;
      if (!well()) {
        this.#refuse(res, req, 'not-ready');
        return;
      }
      res.writeHeader('Content-Type', 'application/json\r\nCache-Control: no-store');
      if (req.getMethod() !== 'head') res.end(body, this.draining);
      else {
        res.writeHeader('Content-Length', `${Buffer.byteLength(body)}`);
        res.endWithoutBody();
      }
    };
    this.#app.get(path, handler);
    this.#app.head(path, handler);
  }
}
