/**
 * A server of actors for the client's tests: the paths and answers that Warren gives, with the real turns behind them, and each idempotency key
 * takes effect once. What befalls a request is chosen by the test.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkDefinitions, type Definition } from '../../../src/runtime/definition.js';
import { REFUSAL_TYPE } from '../../../src/runtime/refusal-body.js';
import { takeTurn } from '../../../src/runtime/turn.js';
import type { TurnResult } from '../../../src/runtime/turn-result.js';
import type { Sealed } from '../../../src/runtime/values.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/**
 * What befalls a request: its connection is cut, or it is answered by what stands between, before its turn or after it; or the
 * answer stops half-way, or nothing comes at all.
 */
export type Fault =
  | 'none'
  | 'cut-before'
  | 'cut-after'
  | 'cut-in-answer'
  | 'silent-before'
  | 'silent-after'
  | 'silent-in-answer'
  | 502
  | 503
  | 504
  | '502-after'
  | '503-after'
  | '504-after';

/** What a key has been used for, and how it was answered. */
interface Kept {
  readonly command: string;
  readonly write: (response: ServerResponse) => void;
}

const LIMITS = { stateBytes: 1e6, replyBytes: 1e6, largeBigintBits: 1e6 };

export class FakeServer {
  readonly seen: SeenRequest[] = [];
  /** Answers the next request in the place of the actor. */
  interrupt: RequestListener | undefined;
  /** Called for each request. */
  fault: () => Fault = () => 'none';
  readonly #kept = new Map<string, Kept>();
  #commits = 0;
  readonly #definitions: readonly Definition[];
  readonly #states = new Map<string, Sealed>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(exported: unknown) {
    this.#definitions = checkDefinitions([{ place: 'test', exported }]);
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = await request.toArray();
    const { method = '', url = '', headers } = request;
    const body = Buffer.concat(chunks).toString();
    this.seen.push({ method, url, headers, body });
    const interrupt = this.interrupt;
    this.interrupt = undefined;
    if (interrupt) return void interrupt(request, response);
    const fault = this.fault();
    if (fault === 'cut-before') return void request.socket.destroy();
    if (fault === 'silent-before') return;
    if (fault === 503) return problem(response, 503, 'store-unavailable');
    if (typeof fault === 'number') return void response.writeHead(fault).end('between');
    const write = this.#answer(method, url, body, headers['idempotency-key']);
    if (fault === 'cut-after') return void request.socket.destroy();
    if (fault === 'silent-after') return;
    if (fault === '502-after' || fault === '503-after' || fault === '504-after')
      return void response.writeHead(Number(fault.slice(0, 3))).end('<html>');
    if (fault === 'none') return write(response);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"from"');
    if (fault === 'cut-in-answer') setImmediate(() => request.socket.destroy());
  }

  /** @returns what writes the answer. */
  #answer(method: string, url: string, body: string, idempotencyKey: unknown): Kept['write'] {
    const [path = '', search] = url.split('?', 2);
    const [, name, key = '', messageName = ''] = path.split('/').map(decodeURIComponent);
    const definition = this.#definitions.find((other) => other.name === name);
    const message = definition?.messages.get(messageName);
    if (!definition || !message) return (response) => problem(response, 404, 'not-found');
    if (message.kind === 'query') {
      if (idempotencyKey !== undefined && method === 'GET')
        return (response) => problem(response, 400, 'bad-request');
      if (method !== 'GET') {
        return (response) => {
          response.setHeader('allow', 'GET, HEAD');
          problem(response, 405, 'method-not-allowed');
        };
      }
    }
    const place = `${name}/${key}`;
    const record = `${place} ${idempotencyKey}`;
    const command = `${messageName}?${search} ${body}`;
    const kept = idempotencyKey === undefined ? undefined : this.#kept.get(record);
    if (kept && kept.command !== command)
      return (response) => problem(response, 422, 'idempotency-key-reused');
    if (kept) return (response) => kept.write(response.setHeader('idempotency-replayed', 'true'));
    const context = { actor: definition.name, key, now: 0, id: '', caller: undefined };
    const text = message.kind === 'query' ? search : body;
    const result = takeTurn(definition, message, this.#states.get(place), text, context, LIMITS);
    if (result.kind === 'replied' && result.next.kind === 'changed')
      this.#states.set(place, result.next.state);
    if (message.kind === 'query' || (result.kind !== 'replied' && result.kind !== 'refused'))
      return (response) => answer(response, result);
    this.#commits += 1;
    const commit = `0.1.${this.#commits}`;
    const write = (response: ServerResponse) => answer(response.setHeader('commit', commit), result);
    this.#kept.set(record, { command, write });
    return write;
  }
}

function answer(response: ServerResponse, result: TurnResult): void {
  if (result.kind === 'replied') {
    if (result.reply.kind !== 'text') response.writeHead(204).end();
    else response.setHeader('content-type', 'application/json').end(result.reply.text);
  } else if (result.kind === 'refused') {
    const { code, status, details } = result;
    const head = JSON.stringify({ type: REFUSAL_TYPE, status, code, requestId: 'r-1' });
    // JSON text already, with bigints as exact numbers.
    const body = details.kind === 'text' ? `${head.slice(0, -1)},"details":${details.text}}` : head;
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(body);
  } else if (result.kind === 'invalid') {
    problem(response, result.code === 'input-invalid' ? 422 : 400, result.code, result.detail);
  } else {
    problem(response, 500, result.code);
  }
}

function problem(response: ServerResponse, status: number, code: string, detail?: string): void {
  const body = {
    type: `urn:warren:problem:${code}`,
    title: 'A title',
    status,
    code,
    detail,
    requestId: 'r-2',
  };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}
