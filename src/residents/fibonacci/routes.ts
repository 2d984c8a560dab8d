/** The paths of the sequence: `/next`, `/current` and `/previous`, with their descriptions for OpenAPI. */
import {
  COMMAND_HEADERS,
  IDEMPOTENCY_KEY,
  jsonResponse,
  objectSchema,
  problemResponses,
} from '../../http/openapi.js';
import { ASK_PROBLEMS, type Fields, type Handler, type Method, type Route } from '../../http/route.js';
import { ACTOR, CURRENT, NEXT, PREVIOUS } from './messages.js';

export interface SequencePath {
  readonly path: string;
  readonly methods: readonly Method[];
  readonly message: number;
  /** Of the answer's object. */
  readonly member: string;
  readonly summary: string;
}

export const PATHS: readonly SequencePath[] = [
  {
    path: '/current',
    methods: ['GET', 'HEAD'],
    message: CURRENT,
    member: 'current',
    summary: 'The number where the sequence stands',
  },
  {
    path: '/previous',
    methods: ['GET', 'HEAD'],
    message: PREVIOUS,
    member: 'previous',
    summary: 'The number before it; at the start 0',
  },
  {
    path: '/next',
    // GET is the contract of the earlier service. No cache, crawler or prefetch repeats a POST. HEAD would advance the sequence, too.
    methods: ['GET', 'POST'],
    message: NEXT,
    member: 'next',
    summary: 'Moves to the next number and returns it',
  },
];

const NEXT_PROBLEMS = [
  'sequence-exhausted',
  'idempotency-key-invalid',
  'idempotency-key-reused',
  'idempotency-full',
] as const;

/** @param handler of a request on such a path. */
export function sequenceRoutes(handler: (path: SequencePath, method: Method) => Handler): Route[] {
  return PATHS.map((path) => {
    const problems = [
      ...ASK_PROBLEMS,
      'bad-query',
      'not-ready',
      'state-unreadable',
      ...(path.message === NEXT ? NEXT_PROBLEMS : []),
    ] as const;
    return {
      path: path.path,
      actor: ACTOR,
      methods: path.methods,
      open: false,
      readsBody: false,
      problems,
      handler: (method) => handler(path, method),
      operation: (method) => operation(path, method, problemResponses(problems, method)),
    };
  });
}

function operation({ path, member, summary }: SequencePath, method: Method, problems: Fields): Fields {
  const number = {
    description: 'Exact at any size, so beyond 2^53, too.',
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^(0|[1-9][0-9]*)$' },
    ],
  };
  const index = {
    description: 'The index n of the F(n) in the body.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
  };
  return {
    operationId: `${method.toLowerCase()}-${path.slice(1)}`,
    summary,
    ...(path === '/next' && method === 'GET'
      ? {
          description:
            'Changes state, for compatibility with the earlier service. POST is the safe spelling.',
        }
      : {}),
    parameters: [
      AS_STRING,
      ...(path === '/next' && method === 'POST' ? [IDEMPOTENCY_KEY] : []),
      { $ref: '#/components/parameters/requestId' },
    ],
    responses: {
      '200': jsonResponse(summary, method, objectSchema({ [member]: number }), {
        'Sequence-Index': index,
        ...(path === '/next' ? COMMAND_HEADERS : {}),
      }),
      ...problems,
    },
  };
}

const AS_STRING: Fields = {
  name: 'as',
  in: 'query',
  description:
    'string: the number comes quoted, for JSON parsers that cannot read it. JavaScript and jq round beyond 2^53, and ' +
    'JavaScript has Infinity from F(1477) on; Python refuses more than 4,300 digits, from F(20578) on.',
  schema: { type: 'string', enum: ['string'] },
};
