/**
 * Writes texts and bytes into the memory of a link. Keys, inputs and replies are mostly short, and a loop over a few bytes is faster than a
 * call of Node's buffer functions. Runs on both threads.
 */
const SHORT = 24;

/** Writes a text as UTF-8. The caller has made sure that there is room. @returns its length in bytes. */
export function writeText(bytes: Buffer, text: string, offset: number): number {
  const { length } = text;
  if (length > SHORT) return bytes.write(text, offset);
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return bytes.write(text, offset);
    bytes[offset + at] = code;
  }
  return length;
}

export function writeBytes(bytes: Buffer, piece: Uint8Array, offset: number): void {
  const { length } = piece;
  if (length > SHORT) bytes.set(piece, offset);
  else for (let at = 0; at < length; at++) bytes[offset + at] = piece[at] as number;
}
