/** The client's error for an answer that is neither a reply nor a refusal. A proxy may have given that answer in place of Warren. */
import { parseExact } from './exact-json.js';

/** Thrown by a call whose last answer was a problem: of Warren (RFC 9457), or of a proxy in front of it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** Warren's stable name, such as `input-invalid` or `store-unavailable`. Undefined where something else answered. */
  readonly code: string | undefined;
  /** HTTP status. */
  readonly status: number;
  /** The seconds of `Retry-After`. Undefined where the answer has none. */
  readonly retryAfterSeconds: number | undefined;
  /** The request's id in Warren's log. */
  readonly requestId: string | undefined;
  /** All members of the problem details (RFC 9457). */
  readonly problem: Readonly<Record<string, unknown>>;
  /** True: the command may have taken effect, with this attempt or an earlier one. */
  readonly outcomeUnknown: boolean;

  /** @param problem the members of the body, or none of them where it is no JSON. */
  constructor(response: Response, problem: Readonly<Record<string, unknown>>, outcomeUnknown = false) {
    const { code, title, detail, requestId } = problem;
    const sentence = [title, detail].filter((part) => typeof part === 'string').join(': ');
    super(sentence === '' ? `HTTP ${response.status}` : sentence);
    this.code = typeof code === 'string' ? code : undefined;
    this.status = response.status;
    this.retryAfterSeconds = retryAfterOf(response);
    this.requestId = typeof requestId === 'string' ? requestId : undefined;
    this.problem = problem;
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** A proxy may answer with a body that is no JSON; then there are no members. */
export function problemOf(text: string): Record<string, unknown> {
  try {
    const problem = parseExact(text);
    return typeof problem === 'object' && problem !== null ? { ...problem } : {};
  } catch {
    return {};
  }
}

/** In seconds. The header may hold a date. */
export function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : undefined;
}
