/** The CORS headers, which say which web pages of other origins may read answers. Without configured origins there are none. */
import type { RequestFacts } from './request-head.js';

const EXPOSED = 'Sequence-Index, X-Request-Id, Allow, Retry-After, Commit, Idempotency-Replayed';
const ACCEPTED = 'Authorization, Content-Type, X-Request-Id, Idempotency-Key';
/** As long as browsers keep a preflight's answer. */
const MAX_AGE_S = 7200;

export class Cors {
  readonly #any: string;
  readonly #byOrigin: ReadonlyMap<string, string>;
  /** For origins that may not read the answer, and for clients that are no browsers. */
  readonly #others: string;

  /** @param origins `['*']` for any; empty for none. */
  constructor(origins: readonly string[]) {
    this.#any = origins.includes('*') ? lines('*') : '';
    this.#byOrigin = new Map(
      this.#any ? [] : origins.map((origin) => [origin, `\r\nVary: Origin${lines(origin)}`]),
    );
    this.#others = this.#byOrigin.size > 0 ? '\r\nVary: Origin' : '';
  }

  /** Header lines to append to another header's value; each begins with a line end. */
  headers({ origin }: RequestFacts): string {
    return this.#any || (this.#byOrigin.get(origin) ?? this.#others);
  }

  allows(origin: string): boolean {
    return origin !== '' && (this.#any !== '' || this.#byOrigin.has(origin));
  }

  /** Header lines for the answer to a preflight, beside those of `headers`. */
  preflight(methods: readonly string[]): string {
    return (
      `\r\nAccess-Control-Allow-Methods: ${methods.join(', ')}\r\nAccess-Control-Allow-Headers: ${ACCEPTED}` +
      `\r\nAccess-Control-Max-Age: ${MAX_AGE_S}`
    );
  }
}

function lines(origin: string): string {
  return `\r\nAccess-Control-Allow-Origin: ${origin}\r\nAccess-Control-Expose-Headers: ${EXPOSED}`;
}
