/** The paths of actors as OpenAPI 3.1. What inputs and replies look like, only the actors know. */
import type { ProblemCode } from '../errors.js';
import type { Definition, Message } from '../runtime/definition.js';
import { PROBLEM_TYPE } from './problem.js';

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
type Fields = Readonly<Record<string, Json>>;

/** Problems that only the routes of actors answer with. */
export const ACTOR_PROBLEMS = [
  'bad-input',
  'input-inexact',
  'key-invalid',
  'unauthorized',
  'body-too-large',
  'input-invalid',
  'behavior-failed',
  'state-unreadable',
] as const satisfies ProblemCode[];

export function actorOpenApi(version: string, definitions: readonly Definition[]): Fields {
  const paths = definitions.flatMap(({ name, messageList }) =>
    messageList.map((message) => [`/${name}/{key}/${message.name}`, pathItem(name, message)] as const),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Warren',
      version,
      summary: 'Actors: one message at a time, in order; an answer leaves when what it shows is durable',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(paths),
    components: {
      parameters: {
        key: {
          name: 'key',
          in: 'path',
          required: true,
          description: 'Text of 1 to 256 bytes of UTF-8, percent-encoded.',
          schema: { type: 'string', minLength: 1, maxLength: 256 },
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          description:
            'RFC 9457. `code` is the stable name to match on: one of Warren, or one of the actor when it refuses.',
          properties: {
            type: { type: 'string', format: 'uri' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', examples: ACTOR_PROBLEMS },
            details: {},
            requestId: { type: 'string' },
          },
          required: ['type', 'title', 'status', 'code', 'requestId'],
        },
      },
    },
  };
}

function pathItem(actor: string, { name, kind }: Message): Fields {
  const json = { content: { 'application/json': { schema: {} } } };
  const problem = { content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } };
  const operation = (method: string): Fields => ({
    operationId: `${method}-${actor}-${name}`,
    summary: `${kind === 'command' ? 'Command' : 'Query'} ${name} of ${actor}`,
    parameters: [{ $ref: '#/components/parameters/key' }],
    ...(kind === 'command' ? { requestBody: { required: false, ...json } } : {}),
    responses: {
      '200': { description: 'The reply', ...(method === 'head' ? {} : json) },
      '204': { description: 'There is no reply' },
      default: { description: 'A problem, or a refusal of the actor', ...(method === 'head' ? {} : problem) },
    },
  });
  return kind === 'command'
    ? { post: operation('post') }
    : { get: operation('get'), head: operation('head') };
}
