/**
 * Writes a reply as JSON text. A bigint becomes a JSON number with all its decimal digits. That takes more than linear time, so replies with
 * large bigints (`Checked.bigintBits`) are written on a thread of the pool. Pure; runs on any thread.
 */
import { type Notation, writeJson } from './json-writer.js';
import { ValueError } from './value-error.js';
import type { Checked } from './values.js';

const EXACT: Notation = {
  bigint: (value) => value.toString(),
  onlyName: (name) => JSON.stringify(name),
};

export function replyText({ value, plain }: Pick<Checked, 'value' | 'plain'>): string {
  // A checked number is finite.
  if (typeof value === 'number') return `${value}`;
  return plain ? JSON.stringify(value) : writeJson(value, EXACT);
}

/** The text of a value. @param limitBytes in UTF-8. @throws ValueError when the text is longer. */
export function textWithin(checked: Checked, name: string, limitBytes: number): string {
  const text = replyText(checked);
  if (isLongerThan(text, limitBytes)) throw new ValueError(`${name} is larger than ${limitBytes} bytes`);
  return text;
}

/** Whether a text takes more than `limitBytes` bytes in UTF-8. */
export function isLongerThan(text: string, limitBytes: number): boolean {
  if (text.length > limitBytes) return true;
  return text.length * 3 > limitBytes && Buffer.byteLength(text) > limitBytes;
}
