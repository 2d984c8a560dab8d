/**
 * Parses and writes JSON with exact integers: an integer that a double holds exactly is a number, any other integer is a bigint. Decimal fractions are
 * numbers, rounded as always.
 */

const MAYBE_INEXACT = /\d{16}/;
/** A text, or a number. Nothing else in JSON begins with a quote, a minus or a digit. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;

/** @throws SyntaxError */
export function parseExact(text: string): unknown {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text) as unknown;
  // Random, so that no text of the reply is ever taken for a bigint.
  const mark = `${Math.random().toString(36)}${Math.random().toString(36)}:`;
  const marked = text.replace(TOKEN, (token) => (isInexact(token) ? `"${mark}${token}"` : token));
  if (marked === text) return JSON.parse(text) as unknown;
  return JSON.parse(marked, (_, value: unknown) => {
    return typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value;
  }) as unknown;
}

function isInexact(token: string): boolean {
  if (!INTEGER.test(token)) return false;
  const value = Number(token);
  return !Number.isSafeInteger(value) && (!Number.isFinite(value) || BigInt(value) !== BigInt(token));
}
