/** What the public port answers to: the one table of paths and methods, from which server and API description are made. */
import type { ProblemCode } from '../errors.js';
import { CURRENT, NEXT, PREVIOUS } from '../residents/fibonacci/fibonacci.js';

export type Method = 'GET' | 'HEAD' | 'POST';

/** What the front answers alone. */
export type FrontAnswer = 'health' | 'ready' | 'openapi';

export interface Route {
  readonly path: string;
  readonly methods: readonly Method[];
  /** Answered by the front alone, or by the sequence: the message that goes to the owner, and the member of the answer. */
  readonly answer: FrontAnswer | { readonly message: number; readonly member: string };
  readonly summary: string;
  /** Problems that it may answer with. */
  readonly problems: readonly ProblemCode[];
}

/** Requests that are refused whatever they ask for. */
const HEAD_PROBLEMS = ['bad-request', 'length-required', 'head-too-large'] as const satisfies ProblemCode[];

/** Problems of any route that asks the owner. */
const ASK_PROBLEMS = [
  ...HEAD_PROBLEMS,
  'bad-query',
  'internal',
  'poisoned',
  'mailbox-full',
  'shutting-down',
  'store-unavailable',
  'commit-in-doubt',
  'standby',
  'not-ready',
  'ask-timeout',
] as const satisfies ProblemCode[];

export const ROUTES: readonly Route[] = [
  {
    path: '/health',
    methods: ['GET', 'HEAD'],
    answer: 'health',
    summary: 'Whether the front and the owner thread turn',
    problems: [...HEAD_PROBLEMS, 'not-ready'],
  },
  {
    path: '/ready',
    methods: ['GET', 'HEAD'],
    answer: 'ready',
    summary: 'Whether numbers can be handed out now',
    problems: [...HEAD_PROBLEMS, 'not-ready'],
  },
  {
    path: '/current',
    methods: ['GET', 'HEAD'],
    answer: { message: CURRENT, member: 'current' },
    summary: 'The number where the sequence stands',
    problems: ASK_PROBLEMS,
  },
  {
    path: '/previous',
    methods: ['GET', 'HEAD'],
    answer: { message: PREVIOUS, member: 'previous' },
    summary: 'The number before it; at the start 0',
    problems: ASK_PROBLEMS,
  },
  {
    path: '/next',
    // GET is the contract of old; POST is the spelling that no cache, crawler or prefetch repeats. HEAD would move it, too.
    methods: ['GET', 'POST'],
    answer: { message: NEXT, member: 'next' },
    summary: 'Moves to the next number and returns it',
    problems: [...ASK_PROBLEMS, 'sequence-exhausted'],
  },
  {
    path: '/openapi.json',
    methods: ['GET', 'HEAD'],
    answer: 'openapi',
    summary: 'This description',
    problems: HEAD_PROBLEMS,
  },
];
