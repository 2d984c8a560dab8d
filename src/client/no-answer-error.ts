/** The client's error for a call without an answer. */

/** Thrown by a call that got no answer before its deadline: each connection broke, stayed silent, or could not be made. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** True: the command may have taken effect. */
  readonly outcomeUnknown: boolean;

  /** @param cause what ended the last attempt. */
  constructor(cause: unknown, deadlineMs: number, outcomeUnknown: boolean) {
    const effect = outcomeUnknown ? 'the command may have taken effect' : 'nothing has taken effect';
    super(`no answer within ${deadlineMs} ms, and ${effect}: ${wordsOf(cause)}`, { cause });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** Node.js tells in the cause what has happened to the connection. */
function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${wordsOf(thrown.cause)}`;
}
