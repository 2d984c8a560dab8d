/** Counts the answers of one route by outcome, in plain fields. Metrics read them. Main thread only. */
import { PROBLEMS, type ProblemCode } from '../errors.js';

export class RequestCounts {
  readonly method: string;
  readonly path: string;
  /** The actor that the path leads to; empty for none. */
  readonly actor: string;
  /** Requests answered with 200 or 204. */
  ok = 0;
  /** Requests that the actor refused. */
  refused = 0;
  /** Clients that left before their answer. */
  left = 0;
  readonly problems = Object.fromEntries(Object.keys(PROBLEMS).map((code) => [code, 0])) as Record<
    ProblemCode,
    number
  >;

  constructor(method: string, path: string, actor: string) {
    this.method = method;
    this.path = path;
    this.actor = actor;
  }
}
