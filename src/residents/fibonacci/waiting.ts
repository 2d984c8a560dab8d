/** Requests that wait on the main thread for their number. */
import type { ProblemCode } from '../../errors.js';
import type { NumberResponse } from './number-response.js';

export interface Waiting {
  readonly response: NumberResponse;
  /** When it began to wait, in milliseconds of the monotonic clock. */
  readonly since: number;
}

/** Refuses what came at `deadline` or before. @returns the others that still wait. */
export function expired<T extends Waiting>(waiting: readonly T[], deadline: number, code: ProblemCode): T[] {
  return waiting.filter(({ response, since }) => {
    if (since <= deadline) response.refuse(code);
    return response.open;
  });
}
