/** Decodes the key of an actor from a path: percent-encoded UTF-8. */

/** Longest key, in bytes of UTF-8. */
const KEY_BYTES = 256;

/** @returns the key; undefined when it is too long, or not percent-encoded UTF-8. */
export function decodeKey(raw: string): string | undefined {
  let key = raw;
  if (raw.includes('%')) {
    try {
      key = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
  }
  // A character of a string takes three bytes at most.
  const long = key.length > KEY_BYTES || (3 * key.length > KEY_BYTES && Buffer.byteLength(key) > KEY_BYTES);
  return long ? undefined : key;
}
