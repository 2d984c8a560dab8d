/**
 * The admin listener: metrics, the live page and its events, the nodes, the actors of the store, and fault injection. It is separate from the public port and runs on Node's own
 * HTTP server on the main thread: it gets a few requests a second, and must work when the public port is what an operator looks into.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { AdminAddress } from '../config/parts.js';
import { messageOf, WarrenError } from '../errors.js';
import { Access } from './access.js';
import type { ActorAdmin } from './actor-admin.js';
import type { EventLog } from './event-log.js';
import { command, isFault } from './faults.js';
import { LiveFeed } from './live-feed.js';
import { PAGE_HEADERS, pageFile } from './page-files.js';
import type { Parts } from './process-figures.js';

export interface AdminOptions {
  readonly address: AdminAddress;
  readonly parts: Parts;
  readonly events: EventLog;
  readonly actors: ActorAdmin;
  readonly connectionLimit: number;
  readonly onError: (error: unknown) => void;
}

const REQUEST_TIMEOUT_MS = 10_000;

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #access: Access;
  readonly #feed: LiveFeed;
  readonly #server: Server;
  #metrics: Promise<Registry> | undefined;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#access = new Access(options.address.token);
    this.#feed = new LiveFeed(options.parts, options.events, options.onError);
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => this.#guarded(request, response),
    );
    this.#server.maxConnections = options.connectionLimit;
  }

  /** @returns the address of the live page. @throws WarrenError `listen-failed`. */
  async listen(): Promise<string> {
    const { host, port } = this.#options.address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const why = `cannot listen on ADMIN_HOST_PORT ${host}:${port}: ${messageOf(cause)}`;
        reject(new WarrenError('listen-failed', why, { cause }));
      });
      this.#server.listen(port, host || undefined, resolve);
    });
    // Such as a connection that could not be accepted: without a listener each would end the process.
    this.#server.on('error', (error) => this.#options.onError(error));
    const { address, family, port: bound } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  close(): void {
    this.#feed.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #guarded(request: IncomingMessage, response: ServerResponse): void {
    // A client that leaves in the middle of its answer is no failure.
    response.on('error', () => {});
    this.#answer(request, response).catch((error) => {
      this.#options.onError(error);
      if (response.headersSent || response.destroyed) response.destroy();
      else problem(response, 500, 'The admin listener failed');
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#access.check(request);
    if (refusal) {
      if (refusal.status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="Warren", Bearer');
      problem(response, refusal.status, refusal.title);
      return;
    }
    const url = new URL(request.url ?? '/', 'http://admin');
    if (await this.#options.actors.answer(url, request, response)) return;
    const { pathname, searchParams } = url;
    if (pathname.startsWith('/faults/')) {
      this.#fault(pathname.slice('/faults/'.length), searchParams, request, response);
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      problem(response, 405, 'This path is only read');
    } else if (pathname === '/metrics') {
      const metrics = await this.#loadMetrics();
      const body = await metrics.metrics();
      response.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
      response.end(body);
    } else if (pathname === '/nodes') {
      const { nodes } = this.#options.parts;
      if (!nodes) problem(response, 404, 'This process is not one of several nodes');
      else {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
        response.end(JSON.stringify(nodes.report));
      }
    } else if (pathname === '/events') {
      if (!this.#feed.listen(response)) problem(response, 503, 'Too many pages are open');
    } else {
      const file = pageFile(pathname);
      if (!file) problem(response, 404, 'There is nothing at this path');
      else {
        response.writeHead(200, { ...PAGE_HEADERS, 'Content-Type': file.type, 'Cache-Control': 'no-cache' });
        response.end(file.body);
      }
    }
  }

  /** Loaded with the first scrape only, since prom-client takes long to load and delays requests meanwhile. */
  #loadMetrics(): Promise<Registry> {
    this.#metrics ??= import('./metrics.js').then(({ createMetrics }) => createMetrics(this.#options.parts));
    // After a failure the next scrape tries again.
    this.#metrics.catch(() => {
      this.#metrics = undefined;
    });
    return this.#metrics;
  }

  #fault(name: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const { faults, owner } = this.#options.parts;
    if (!faults) problem(response, 403, 'Faults are injected only with FAULTS=on');
    else if (!isFault(name)) problem(response, 404, 'There is no such fault');
    else if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST');
      problem(response, 405, 'A fault is commanded with POST');
    } else {
      const done = command(name, query.get('ms'), { owner, faults });
      if (done === undefined) problem(response, 400, 'ms must be an integer from 0 to 60000');
      else {
        this.#options.events.add('fault', `injected: ${done}`);
        response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
        response.end(JSON.stringify({ fault: name, done }));
      }
    }
  }
}

function problem(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify({ type: 'about:blank', title, status }));
}
