/** The public port as OpenAPI 3.1, made from the table of routes and the table of problems. */
import { PROBLEMS, type ProblemCode } from '../errors.js';
import { isRetryable, PROBLEM_TYPE } from './problem.js';
import { type Method, ROUTES, type Route } from './routes.js';

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
type Fields = Readonly<Record<string, Json>>;

export function openApi(version: string): Fields {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Warren',
      version,
      summary: 'The Fibonacci sequence, in one order that all clients agree on',
      description:
        'Every request, reads too, is a turn of one owner: if one answer was received before another request was sent, ' +
        'its index is not larger. A number that a client has received is never lost and never handed out again. Pages of other ' +
        'origins may read answers, and send preflights, when the server is configured with their origin (CORS_ORIGIN).',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(ROUTES.map((route) => [route.path, pathItem(route)])),
    components: {
      parameters: {
        as: {
          name: 'as',
          in: 'query',
          description:
            'string: the number comes quoted, for JSON parsers that cannot read it. JavaScript and jq round beyond 2^53, and ' +
            'JavaScript has Infinity from F(1477) on; Python refuses more than 4,300 digits, from F(20578) on.',
          schema: { type: 'string', enum: ['string'] },
        },
        requestId: {
          name: 'X-Request-Id',
          in: 'header',
          description: 'Comes back with the answer, and stands in the log with a problem.',
          schema: { type: 'string', maxLength: 128 },
        },
      },
      headers: {
        sequenceIndex: {
          description: 'The index n of the F(n) in the body.',
          required: true,
          schema: { type: 'integer', minimum: 0 },
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

function pathItem(route: Route): Fields {
  return Object.fromEntries(route.methods.map((method) => [method.toLowerCase(), operation(route, method)]));
}

function operation(route: Route, method: Method): Fields {
  const asks = typeof route.answer !== 'string';
  const ref = (name: string) => ({ $ref: `#/components/parameters/${name}` });
  return {
    operationId: `${method.toLowerCase()}-${route.path.slice(1).replace('.', '-')}`,
    summary: route.summary,
    ...(route.path === '/next' && method === 'GET'
      ? { description: 'Changes state, as the service of old did: POST is the safe spelling.' }
      : {}),
    parameters: asks ? [ref('as'), ref('requestId')] : [ref('requestId')],
    responses: { '200': success(route, method), ...problemResponses(route, method) },
  };
}

function success({ answer, summary }: Route, method: Method): Fields {
  const headers = { 'Sequence-Index': { $ref: '#/components/headers/sequenceIndex' } };
  return {
    description: summary,
    ...(typeof answer === 'string' ? {} : { headers }),
    ...(method === 'HEAD' ? {} : { content: { 'application/json': { schema: successSchema(answer) } } }),
  };
}

function successSchema(answer: Route['answer']): Fields {
  if (answer === 'openapi') return { type: 'object', required: ['openapi', 'paths'] };
  if (typeof answer === 'string')
    return object({ status: { const: answer === 'health' ? 'healthy' : 'ready' } });
  const number = {
    description: 'Exact at any size, so beyond 2^53, too.',
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^(0|[1-9][0-9]*)$' },
    ],
  };
  return object({ [answer.member]: number });
}

/** Codes of one status share a response, whose schema lists them. */
function problemResponses({ problems }: Route, method: Method): Fields {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problems) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), problemResponse(codes, method)]),
  );
}

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
    ...object({
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string', enum: Object.keys(PROBLEMS) },
      requestId: { type: 'string' },
    }),
    description: 'RFC 9457; `code` is the stable name to match on.',
  };
}

function object(properties: Fields): Fields {
  return { type: 'object', properties, required: Object.keys(properties) };
}
