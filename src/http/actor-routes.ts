/**
 * The routes of actors: `POST /{actor}/{key}/{command}` and `GET /{actor}/{key}/{query}`. They turn a request into one cell of the queue and
 * know nothing of what it means: key and body go to the owner thread as they came.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Definition } from '../runtime/definition.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import { type ActorContext, ActorResponse } from './actor-response.js';
import { RequestCounts } from './request-counts.js';
import type { BodyUse, RequestFacts } from './request-head.js';

export interface ActorRoutesOptions {
  readonly definitions: readonly Definition[];
  readonly owner: OwnerHandle;
  readonly context: ActorContext & { opened(): boolean };
  /** A handler threw. */
  readonly onError: (error: unknown) => void;
  /** Of a body, in bytes. */
  readonly bodyLimit: number;
  /** What a request says of itself when it may pass; otherwise it is answered. */
  readonly admit: (res: HttpResponse, req: HttpRequest, body: BodyUse) => RequestFacts | undefined;
  /** Lets pages of other origins ask for these methods. */
  readonly onRoute: (path: string, methods: readonly string[]) => void;
}

const EMPTY = new Uint8Array(0);

export class ActorRoutes {
  /** By route. */
  readonly counts: RequestCounts[] = [];
  readonly #options: ActorRoutesOptions;

  constructor(options: ActorRoutesOptions) {
    this.#options = options;
  }

  register(app: TemplatedApp): void {
    let number = 0;
    for (const { name, messageList } of this.#options.definitions) {
      for (const message of messageList) {
        const path = `/${name}/:key/${message.name}`;
        if (message.kind === 'command') this.#command(app, path, number);
        else {
          this.#query(app, path, number, true);
          this.#query(app, path, number, false);
        }
        const allow = message.kind === 'command' ? 'POST' : 'GET, HEAD';
        const counts = this.#count('ANY', path);
        this.#options.onRoute(path, allow.split(', '));
        app.any(
          path,
          this.#guarded((res, req) => {
            const request = this.#options.admit(res, req, 'ignored');
            if (request) this.#open(res, request, counts)?.refuse('method-not-allowed', undefined, { allow });
          }),
        );
        number += 1;
      }
    }
  }

  #count(method: string, path: string): RequestCounts {
    const counts = new RequestCounts(method, path);
    this.counts.push(counts);
    return counts;
  }

  #command(app: TemplatedApp, path: string, message: number): void {
    const counts = this.#count('POST', path);
    const { owner, bodyLimit, admit } = this.#options;
    const handler = (res: HttpResponse, req: HttpRequest) => {
      const request = admit(res, req, 'taken');
      if (!request) return;
      const key = req.getParameter(0) ?? '';
      const response = this.#open(res, request, counts);
      if (!response) return;
      let chunks: Buffer[] | undefined;
      let length = 0;
      res.onData((chunk, last) => {
        if (!response.open) return;
        length += chunk.byteLength;
        if (length > bodyLimit) {
          response.refuse('body-too-large', `a body has at most ${bodyLimit} bytes`, { closes: true });
          return;
        }
        if (!last) {
          // The library reuses the memory of a chunk.
          chunks ??= [];
          chunks.push(Buffer.from(new Uint8Array(chunk)));
          return;
        }
        const whole = new Uint8Array(chunk);
        const body = chunks ? Buffer.concat([...chunks, whole]) : whole;
        try {
          response.position = owner.ask(message, key, body, response);
        } catch (error) {
          this.#fail(res, error);
        }
      });
    };
    app.post(path, this.#guarded(handler));
  }

  #query(app: TemplatedApp, path: string, message: number, withBody: boolean): void {
    const counts = this.#count(withBody ? 'GET' : 'HEAD', path);
    const { owner, admit } = this.#options;
    const handler = (res: HttpResponse, req: HttpRequest) => {
      const request = admit(res, req, withBody ? 'ignored' : 'refused');
      if (!request) return;
      const key = req.getParameter(0) ?? '';
      const search = request.query;
      const response = this.#open(res, request, counts, withBody);
      if (response)
        response.position = owner.ask(message, key, search ? Buffer.from(search) : EMPTY, response);
    };
    if (withBody) app.get(path, this.#guarded(handler));
    else app.head(path, this.#guarded(handler));
  }

  /** The library ends the process when a handler throws. The connection ends instead: what came of the request is unknown. */
  #guarded<Rest extends unknown[]>(handler: (res: HttpResponse, ...rest: Rest) => void) {
    return (res: HttpResponse, ...rest: Rest): void => {
      try {
        handler(res, ...rest);
      } catch (error) {
        this.#fail(res, error);
      }
    };
  }

  #fail(res: HttpResponse, error: unknown): void {
    this.#options.onError(error);
    try {
      res.close();
    } catch {
      // It is gone already.
    }
  }

  #open(
    res: HttpResponse,
    request: RequestFacts,
    counts: RequestCounts,
    withBody = true,
  ): ActorResponse | undefined {
    const { context } = this.#options;
    const admitted = context.opened();
    const response = new ActorResponse(res, context, counts, withBody, request);
    if (admitted) return response;
    response.refuse(context.draining ? 'shutting-down' : 'mailbox-full');
    return undefined;
  }
}
