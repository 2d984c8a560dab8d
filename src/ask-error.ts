/** The error of `Service.ask`. It has the codes and the statuses of the problems that HTTP clients see. */
import { PROBLEMS, type ProblemCode } from './errors.js';

/** Thrown by `Service.ask` when there is neither a reply nor a refusal. */
export class AskError extends Error {
  override readonly name = 'AskError';
  /** The code of the problem over HTTP, such as `behavior-failed` or `store-unavailable`. */
  readonly code: ProblemCode;
  /** The HTTP status. 503: the command has not taken effect and never will. 504: it is unknown whether it has. */
  readonly status: number;

  /** @param detail what the title of the code does not say. */
  constructor(code: ProblemCode, detail?: string) {
    const { title, status } = PROBLEMS[code];
    super(detail ? `${title}: ${detail}` : title);
    this.code = code;
    this.status = status;
  }
}
