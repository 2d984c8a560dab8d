/** The description of one path: the server registers its handlers, and OpenAPI is made from it. */
import type { HttpResponse } from 'uWebSockets.js';
import type { ProblemCode } from '../errors.js';
import type { RequestCounts } from './request-counts.js';
import type { RequestFacts } from './request-head.js';

export type Method = 'GET' | 'HEAD' | 'POST';

/**
 * Answers within the call, corked, or takes `res` over.
 *
 * @param key what stands for `:key` in the path, percent-encoded; empty when the path has none.
 */
export type Handler = (res: HttpResponse, request: RequestFacts, counts: RequestCounts, key: string) => void;

export type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
export type Fields = Readonly<Record<string, Json>>;

export interface Route {
  /** The path; `:key` stands for one segment. */
  readonly path: string;
  /** The actor that the path leads to; empty when the main thread answers alone. */
  readonly actor: string;
  readonly methods: readonly Method[];
  /** The route needs no token. */
  readonly open: boolean;
  /**
   * The handler reads the body of a POST, so it runs while the request is being parsed. An answer that closes the connection must then wait
   * for a later iteration of the event loop.
   */
  readonly readsBody: boolean;
  /** The problems that the route may answer with. */
  readonly problems: readonly ProblemCode[];
  handler(method: Method): Handler;
  /** The OpenAPI description of one method. */
  operation(method: Method): Fields;
}

/** Problems of the headers, which any route may answer with. */
export const HEAD_PROBLEMS = [
  'bad-request',
  'length-required',
  'head-too-large',
] as const satisfies ProblemCode[];

/** Problems of every route that sends requests to the owner. */
export const ASK_PROBLEMS = [
  ...HEAD_PROBLEMS,
  'unauthorized',
  'internal',
  'poisoned',
  'mailbox-full',
  'shutting-down',
  'store-unavailable',
  'commit-in-doubt',
  'standby',
  'node-lost',
  'ask-timeout',
] as const satisfies ProblemCode[];
