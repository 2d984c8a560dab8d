/** A server of one actor for the client's tests: the paths and answers that Warren gives, with the real turns behind them. */
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

const LIMITS = { stateBytes: 1e6, replyBytes: 1e6, largeBigintBits: 1e6 };

export class FakeServer {
  readonly seen: SeenRequest[] = [];
  /** Answers the next request in the place of the actor. */
  interrupt: RequestListener | undefined;
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
    const [path = '', search] = url.split('?', 2);
    const [, name, key = '', messageName = ''] = path.split('/').map(decodeURIComponent);
    const definition = this.#definitions.find((other) => other.name === name);
    const message = definition?.messages.get(messageName);
    if (!definition || !message) return problem(response, 404, 'not-found');
    if (message.kind === 'query' && method !== 'GET') {
      response.setHeader('allow', 'GET, HEAD');
      return problem(response, 405, 'method-not-allowed');
    }
    const place = `${name}/${key}`;
    const context = { actor: definition.name, key, now: 0, id: '', caller: undefined };
    const text = message.kind === 'query' ? search : body;
    const result = takeTurn(definition, message, this.#states.get(place), text, context, LIMITS);
    if (result.kind === 'replied' && result.next.kind === 'changed')
      this.#states.set(place, result.next.state);
    answer(response, result);
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
