/** Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header). Any 1 to 128 visible ASCII characters are a key, quotes included. */
import type { RequestFacts } from './request-head.js';

const KEY = /^[\x21-\x7e]{1,128}$/;
export const KEY_RULE = 'an Idempotency-Key has 1 to 128 visible ASCII characters, and there is one at most';

/**
 * The key and the query string, as the owner gets them: together with message and body they identify the request. Empty without a key, undefined when
 * the header is no valid key.
 */
export function idempotencyOf({ idempotencyKey, query }: RequestFacts): string | undefined {
  if (idempotencyKey === undefined) return '';
  return KEY.test(idempotencyKey) ? `${idempotencyKey} ${query}` : undefined;
}
