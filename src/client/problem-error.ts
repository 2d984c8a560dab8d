/** An answer of Warren, or of what stands before it, that is neither a reply nor a refusal. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** Warren's stable name, such as `input-invalid` or `store-unavailable`. Undefined where something else answered. */
  readonly code: string | undefined;
  readonly status: number;
  /** After how many seconds the same request may be sent again: nothing was consumed. */
  readonly retryAfterSeconds: number | undefined;
  /** To look for in Warren's log. */
  readonly requestId: string | undefined;
  /** All members of the problem details (RFC 9457). */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(response: Response, problem: Readonly<Record<string, unknown>>) {
    const { code, title, detail, requestId } = problem;
    const sentence = [title, detail].filter((part) => typeof part === 'string').join(': ');
    super(sentence === '' ? `HTTP ${response.status}` : sentence);
    this.code = typeof code === 'string' ? code : undefined;
    this.status = response.status;
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    this.retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
    this.requestId = typeof requestId === 'string' ? requestId : undefined;
    this.problem = problem;
  }
}
