/**
 * Decides how often one call is tried: until there is an answer that a further attempt would not change, until the deadline, or until the caller's signal.
 * Between two attempts it waits a random time below a bound that doubles (full jitter), so that clients which failed together do not return
 * together. It never returns earlier than `Retry-After` says.
 */
import { type AttemptBounds, attempt, type HttpRequest, type Lost, type Received } from './attempt.js';
import { NoAnswerError } from './no-answer-error.js';
import { ProblemError, problemOf, retryAfterOf } from './problem-error.js';

export interface PersistenceOptions {
  readonly fetch: typeof fetch;
  /** From now to the end of the last attempt, in milliseconds. */
  readonly deadlineMs: number;
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
  /** An attempt of unknown outcome may have had an effect. */
  readonly effects: boolean;
}

/** Bound on the first wait between two attempts, in milliseconds; it doubles up to the last. */
const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 2_000;

/** Not consumed, or not known. What stands between may say the first two of a server that has taken the request. */
const REPEATED = new Set([502, 503, 504]);
const NOT_CONSUMED = 503;

export class Persistence {
  readonly #fetch: typeof fetch;
  readonly #bounds: AttemptBounds;
  readonly #deadlineMs: number;
  #effects: boolean;
  #failures = 0;
  /** An attempt may have had an effect. */
  #unknown = false;

  constructor({ fetch, deadlineMs, silenceMs, signal, effects }: PersistenceOptions) {
    this.#fetch = fetch;
    this.#deadlineMs = deadlineMs;
    this.#effects = effects;
    this.#bounds = { silenceMs, signal, endsAt: performance.now() + deadlineMs };
  }

  /** Called when the server has shown that the message is a query. */
  hasNoEffects(): void {
    this.#effects = false;
    this.#unknown = false;
  }

  /**
   * Sends the request until there is an answer that a further attempt would not change.
   *
   * @throws ProblemError, NoAnswerError: that of the last attempt, when the deadline comes first. And as `attempt`.
   */
  async send(request: HttpRequest): Promise<Received> {
    for (;;) {
      const outcome = await attempt(this.#fetch, request, this.#bounds);
      if ('response' in outcome && !REPEATED.has(outcome.response.status)) return outcome;
      this.#unknown ||= this.#effects && mayHaveEffect(outcome);
      const waitMs = this.#waitMs(outcome);
      if (performance.now() + waitMs >= this.#bounds.endsAt) throw this.#errorOf(outcome);
      await pause(waitMs, this.#bounds.signal);
    }
  }

  #waitMs(outcome: Received | Lost): number {
    const askedMs = 'response' in outcome ? (retryAfterOf(outcome.response) ?? 0) * 1_000 : 0;
    const mostMs = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LAST_WAIT_MS);
    this.#failures += 1;
    return askedMs + Math.random() * mostMs;
  }

  #errorOf(outcome: Received | Lost): Error {
    if ('response' in outcome)
      return new ProblemError(outcome.response, problemOf(outcome.text), this.#unknown);
    return new NoAnswerError(outcome.cause, this.#deadlineMs, this.#unknown);
  }
}

/** Only Warren promises with a 503 that nothing was consumed, and its problems have a code: a proxy says 503 of what it has sent on. */
function mayHaveEffect(outcome: Received | Lost): boolean {
  if (!('response' in outcome)) return outcome.sent;
  return outcome.response.status !== NOT_CONSUMED || problemOf(outcome.text)['code'] === undefined;
}

/** @throws the reason of the signal. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
