/**
 * Writes a checked value as JSON text, including bigints, which `JSON.stringify` refuses. The caller says how a bigint is written: tagged and
 * hexadecimal in the store, as an exact number in a reply. Pure; runs on any thread.
 */

export interface Notation {
  /** Text of a bigint. */
  bigint(value: bigint): string;
  /** Text of the name of an object's only member. */
  onlyName(name: string): string;
}

/** @param value canonical, as `seal` and `check` give it back. */
export function writeJson(value: unknown, notation: Notation): string {
  if (typeof value === 'bigint') return notation.bigint(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((member) => writeJson(member, notation)).join(',')}]`;
  const members = Object.entries(value);
  if (members.length === 1) {
    const [name, member] = members[0] as [string, unknown];
    return `{${notation.onlyName(name)}:${writeJson(member, notation)}}`;
  }
  const texts = members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member, notation)}`);
  return `{${texts.join(',')}}`;
}
