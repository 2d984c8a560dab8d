/**
 * The body of an answer, as uWebSockets.js may be given it. Its binaries for Node 22 and later send the characters U+0080 to U+00FF of a string as
 * Latin-1, not as UTF-8. So only ASCII is given as a string, which costs least.
 */

/** @param length of the text as UTF-8, in bytes. */
export function bodyOf(text: string, length = Buffer.byteLength(text)): string | Buffer {
  return length === text.length ? text : Buffer.from(text);
}
