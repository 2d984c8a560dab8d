/** Makes idempotency keys: the name of one command, for which the server takes effect once and gives the same answer to every repetition. */

export const IDEMPOTENCY_KEY = 'idempotency-key';
const BYTES = 16;

/** 128 random bits. Not `randomUUID`, which a page without TLS does not have. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
