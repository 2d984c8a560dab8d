/** Describes the public port as OpenAPI 3.1, made from the routes and the table of problems. */
import { PROBLEMS, type ProblemCode } from '../errors.js';
import { isRetryable, PROBLEM_TYPE } from './problem.js';
import type { Fields, Method, Route } from './route.js';

export function openApi(version: string, routes: readonly Route[]): Fields {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Warren',
      version,
      summary: 'Durable, ordered actors: one message at a time',
      description:
        'Every request, reads too, is a turn of one owner: if one answer was received before another request was sent, it shows no ' +
        'later state. An answer leaves when what it shows is durable: what a client has received is never lost and never happens ' +
        'again. Pages of other origins may read answers, and send preflights, when the server is configured with their origin (CORS_ORIGIN). ' +
        'A server with a SERVING_TOKEN asks for it as bearer token on every path but /health and /ready.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(routes.map((route) => [pathOf(route), pathItem(route)])),
    components: {
      parameters: {
        key: {
          name: 'key',
          in: 'path',
          required: true,
          description: 'Text of 1 to 256 bytes of UTF-8, percent-encoded.',
          schema: { type: 'string', minLength: 1, maxLength: 256 },
        },
        idempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          description:
            'The command takes effect once, however often it is sent with this key; each retry gets the first answer. Its scope is the actor ' +
            'and its key. Kept for a day, unless the server is configured otherwise.',
          schema: { type: 'string', pattern: '^[!-~]{1,128}$' },
        },
        requestId: {
          name: 'X-Request-Id',
          in: 'header',
          description: 'Comes back with the answer, and stands in the log with a problem.',
          schema: { type: 'string', maxLength: 128 },
        },
      },
      headers: {
        commit: {
          description:
            'SHARD.EPOCH.VERSION of the commit that made the answer durable. Comparable within a shard, number by number, and never falling there.',
          schema: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' },
        },
        replayed: {
          description: 'The command was executed before, and this is the answer that it got.',
          schema: { type: 'string', const: 'true' },
        },
        requestId: {
          description: "The client's own, or a new one.",
          required: true,
          schema: { type: 'string' },
        },
        retryAfter: {
          description: 'Seconds to wait before the same request is sent again.',
          required: true,
          schema: { type: 'integer', minimum: 1 },
        },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

function pathOf({ path }: Route): string {
  return path.replace('/:key', '/{key}');
}

function pathItem(route: Route): Fields {
  return Object.fromEntries(route.methods.map((method) => [method.toLowerCase(), route.operation(method)]));
}

/** A 200. */
export function jsonResponse(description: string, method: Method, schema: Fields, headers?: Fields): Fields {
  return {
    description,
    ...(headers ? { headers } : {}),
    ...(method === 'HEAD' ? {} : { content: { 'application/json': { schema } } }),
  };
}

/** Codes of one status share a response, whose schema lists them. */
export function problemResponses(problems: readonly ProblemCode[], method: Method): Fields {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problems) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), problemResponse(codes, method)]),
  );
}

/** Headers that the answer to a command has. */
export const COMMAND_HEADERS: Fields = {
  Commit: { $ref: '#/components/headers/commit' },
  'Idempotency-Replayed': { $ref: '#/components/headers/replayed' },
};

export const IDEMPOTENCY_KEY: Fields = { $ref: '#/components/parameters/idempotencyKey' };

function problemResponse(codes: ProblemCode[], method: Method): Fields {
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }],
  };
  const retry = { 'Retry-After': { $ref: '#/components/headers/retryAfter' } };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n'),
    headers: {
      'X-Request-Id': { $ref: '#/components/headers/requestId' },
      ...(codes.every(isRetryable) ? retry : {}),
    },
    ...(method === 'HEAD' ? {} : { content: { [PROBLEM_TYPE]: { schema } } }),
  };
}

function problemSchema(): Fields {
  return {
    ...objectSchema({
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string' },
      requestId: { type: 'string' },
    }),
    description:
      'RFC 9457; `code` is the stable name to match on: one of Warren, or one of the actor when it refuses.',
  };
}

export function objectSchema(properties: Fields): Fields {
  return { type: 'object', properties, required: Object.keys(properties) };
}
