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
  /** `:key` stands for one segment. */
  readonly path: string;
  /** The actor that it leads to; empty when the front answers alone. */
  readonly actor: string;
  readonly methods: readonly Method[];
  /** It is answered without a token, too. */
  readonly open: boolean;
  /**
   * Its handler reads the body of a POST, so it runs while the request is being parsed. Then an answer that ends the connection must be left
   * to a later turn of the event loop.
   */
  readonly readsBody: boolean;
  /** Problems that it may answer with. */
  readonly problems: readonly ProblemCode[];
  handler(method: Method): Handler;
  /** For the API description. */
  operation(method: Method): Fields;
}

/** Requests that are refused whatever they ask for. */
export const HEAD_PROBLEMS = [
  'bad-request',
  'length-required',
  'head-too-large',
] as const satisfies ProblemCode[];

/** Problems of any route that asks the owner. */
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
