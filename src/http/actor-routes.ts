/**
 * The routes of actors: `POST /{actor}/{key}/{command}` and `GET /{actor}/{key}/{query}`. A handler puts message number, key and body into the request queue
 * without looking into them; the owner thread parses them.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { ProblemCode } from '../errors.js';
import type { Definition, Message } from '../runtime/definition.js';
import type { Mailbox } from '../runtime/front/mailbox.js';
import { ActorResponse } from './actor-response.js';
import { idempotencyOf, KEY_RULE } from './idempotency-key.js';
import { COMMAND_HEADERS, IDEMPOTENCY_KEY, jsonResponse, problemResponses } from './openapi.js';
import { PROBLEM_TYPE } from './problem.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';
import type { ResponseContext } from './response-context.js';
import { ASK_PROBLEMS, type Fields, type Handler, type Method, type Route } from './route.js';

export interface ActorRoutesOptions {
  readonly mailbox: Mailbox;
  readonly context: ResponseContext;
  /** Largest body, in bytes. */
  readonly bodyLimit: number;
}

const EMPTY = new Uint8Array(0);

/** Problems that only the routes of actors answer with. */
export const ACTOR_PROBLEMS = [
  'bad-input',
  'input-inexact',
  'key-invalid',
  'body-too-large',
  'input-invalid',
  'idempotency-key-invalid',
  'idempotency-key-reused',
  'idempotency-full',
  'behavior-failed',
  'state-unreadable',
] as const satisfies ProblemCode[];

/** Messages are numbered in the order of the definitions. */
export function actorRoutes(definitions: readonly Definition[], options: ActorRoutesOptions): Route[] {
  let number = 0;
  return definitions.flatMap(({ name, messageList }) =>
    messageList.map((message) => actorRoute(name, message, number++, options)),
  );
}

function actorRoute(
  actor: string,
  { name, kind }: Message,
  number: number,
  options: ActorRoutesOptions,
): Route {
  const problems = [...ASK_PROBLEMS, ...ACTOR_PROBLEMS] as const;
  return {
    path: `/${actor}/:key/${name}`,
    actor,
    methods: kind === 'command' ? ['POST'] : ['GET', 'HEAD'],
    open: false,
    readsBody: true,
    problems,
    handler: (method) =>
      method === 'POST' ? commandHandler(number, options) : queryHandler(number, method, options),
    operation: (method) => operation(actor, name, method, problems),
  };
}

function commandHandler(message: number, { mailbox, context, bodyLimit }: ActorRoutesOptions): Handler {
  return (res, request, counts, key) => {
    const response = open(res, request, counts, context, true);
    if (!response) return;
    response.namesCommit = true;
    const idempotency = idempotencyOf(request);
    if (idempotency === undefined) {
      response.refuse('idempotency-key-invalid', KEY_RULE);
      return;
    }
    let chunks: Buffer[] | undefined;
    let length = 0;
    res.onData((chunk, last) => {
      if (!response.open) return;
      length += chunk.byteLength;
      if (length > bodyLimit) {
        response.refuse('body-too-large', `a body has at most ${bodyLimit} bytes`, true);
        return;
      }
      if (!last) {
        // The library reuses the memory of a chunk.
        chunks ??= [];
        chunks.push(Buffer.from(new Uint8Array(chunk)));
        return;
      }
      const whole = new Uint8Array(chunk);
      try {
        const body = chunks ? Buffer.concat([...chunks, whole]) : whole;
        response.position = mailbox.ask(message, key, body, response, idempotency);
      } catch (error) {
        context.onError(error);
        response.cut();
      }
    });
  };
}

function queryHandler(message: number, method: Method, { mailbox, context }: ActorRoutesOptions): Handler {
  const withBody = method !== 'HEAD';
  return (res, request, counts, key) => {
    const response = open(res, request, counts, context, withBody);
    if (!response) return;
    const { query } = request;
    try {
      response.position = mailbox.ask(message, key, query ? Buffer.from(query) : EMPTY, response);
    } catch (error) {
      context.onError(error);
      response.cut();
    }
  };
}

function open(
  res: HttpResponse,
  request: RequestFacts,
  counts: RequestCounts,
  context: ResponseContext,
  withBody: boolean,
): ActorResponse | undefined {
  const admitted = context.opened();
  const response = new ActorResponse(res, context, counts, withBody, request);
  if (admitted) return response;
  response.refuse(context.draining ? 'shutting-down' : 'mailbox-full');
  return undefined;
}

function operation(actor: string, name: string, method: Method, problems: readonly ProblemCode[]): Fields {
  const isCommand = method === 'POST';
  const refusal = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    operationId: `${method.toLowerCase()}-${actor}-${name}`,
    summary: `${isCommand ? 'Command' : 'Query'} ${name} of ${actor}`,
    parameters: [
      { $ref: '#/components/parameters/key' },
      ...(isCommand ? [IDEMPOTENCY_KEY] : []),
      { $ref: '#/components/parameters/requestId' },
    ],
    ...(isCommand
      ? { requestBody: { required: false, content: { 'application/json': { schema: {} } } } }
      : {}),
    responses: {
      '200': jsonResponse('The reply', method, {}, isCommand ? COMMAND_HEADERS : undefined),
      '204': { description: 'There is no reply', ...(isCommand ? { headers: COMMAND_HEADERS } : {}) },
      ...problemResponses(problems, method),
      default: {
        description: 'A refusal of the actor, with the status that it gives',
        ...(method === 'HEAD' ? {} : { content: refusal }),
      },
    },
  };
}
