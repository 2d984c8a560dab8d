/**
 * Decides which problems are logged. Failures of the server always are, up to a rate that keeps the log readable. Problems that a client causes, or can
 * simply repeat, are logged at level debug only.
 */
import type { Logger } from 'pino';
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type { RequestCounts } from './request-counts.js';

const LINES_PER_WINDOW = 20;
const WINDOW_MS = 1000;

export class ProblemLog {
  readonly #log: Logger;
  #windowStart = 0;
  #lines = 0;
  #left = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(code: ProblemCode, { method, path }: RequestCounts, requestId: string): void {
    const { status, title } = PROBLEMS[code];
    if (status < 500 || status === 503) {
      if (this.#log.isLevelEnabled('debug')) this.#log.debug({ code, method, path, requestId }, title);
      return;
    }
    const now = performance.now();
    if (now - this.#windowStart > WINDOW_MS) {
      if (this.#left > 0) this.#log.error({ count: this.#left }, 'more problems of this kind were answered');
      this.#windowStart = now;
      this.#lines = 0;
      this.#left = 0;
    }
    if (this.#lines < LINES_PER_WINDOW) {
      this.#lines += 1;
      this.#log.error({ code, method, path, requestId }, title);
    } else this.#left += 1;
  }
}
