/**
 * The body of a refusal: problem details (RFC 9457) whose members `code` and `details` are the actor's. The type tells a refusal from
 * a problem of Warren itself, which may have the same code. No imports that a browser lacks: the client reads it, too.
 */
import type { Refused } from './turn-result.js';

export const REFUSAL_TYPE = 'urn:warren:refusal';

export function refusalBody({ code, status, details }: Omit<Refused, 'kind'>, requestId?: string): string {
  const head = JSON.stringify({ type: REFUSAL_TYPE, title: 'The actor refused', status, code, requestId });
  // The details are JSON text already, with bigints as exact numbers.
  return details === undefined ? head : `${head.slice(0, -1)},"details":${details}}`;
}
