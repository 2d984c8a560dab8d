/** The name of one command: the server takes effect once for it, and answers every repetition as the first time. */

export const IDEMPOTENCY_KEY = 'idempotency-key';
const BYTES = 16;

/** 128 random bits. Not `randomUUID`, which a page without TLS does not have. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
