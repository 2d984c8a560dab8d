/** Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header). Any 1 to 128 visible ASCII characters are a key, quotes included. */
import type { RequestFacts } from './request-head.js';

const KEY = /^[\x21-\x7e]{1,128}$/;
export const KEY_RULE = 'an Idempotency-Key has 1 to 128 visible ASCII characters, and there is one at most';

/** What the owner is told of it: the key and the query string, of which the request consists besides message and body. Undefined: it is no key. */
export function idempotencyOf({ idempotencyKey, query }: RequestFacts): string | undefined {
  if (idempotencyKey === undefined) return '';
  return KEY.test(idempotencyKey) ? `${idempotencyKey} ${query}` : undefined;
}
