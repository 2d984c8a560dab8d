/** No reply and no refusal came of an `ask`. `code` is that of the problem over HTTP, such as `behavior-failed` or `store-unavailable`. */
import { PROBLEMS, type ProblemCode } from './errors.js';

export class AskError extends Error {
  override readonly name = 'AskError';
  readonly code: ProblemCode;
  /** That of HTTP: with 503 nothing has happened, with 504 it is not known what has happened. */
  readonly status: number;

  constructor(code: ProblemCode, detail?: string) {
    const { title, status } = PROBLEMS[code];
    super(detail ? `${title}: ${detail}` : title);
    this.code = code;
    this.status = status;
  }
}
