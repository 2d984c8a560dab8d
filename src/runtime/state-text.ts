/**
 * A state as text in the store, and back, exactly: `decodeState(stateText(seal(x)))` equals `seal(x)`, and the text of what was decoded
 * is the same text.
 *
 * The text is JSON. A bigint is `{"$bigint":"-ff"}`, hexadecimal, since that takes linear time in both directions; decimal does not.
 * An object of the actor whose only member is called `$bigint`, `$$bigint` and so on gets one `$` more in the text, so it
 * is never taken for a bigint. Pure; the owner thread runs it.
 */
import { messageOf, WarrenError } from '../errors.js';
import { type Notation, writeJson } from './json-writer.js';
import { isLongerThan } from './reply-text.js';
import { ValueError } from './value-error.js';
import { define, type Sealed, seal } from './values.js';

const TAG = '$bigint';
const LOOKALIKE = /^\$+bigint$/;
const HEXADECIMAL = /^(0|-?[1-9a-f][0-9a-f]*)$/;

const STORED: Notation = {
  bigint: (value) => `{"${TAG}":"${value.toString(16)}"}`,
  onlyName: (name) => JSON.stringify(LOOKALIKE.test(name) ? `$${name}` : name),
};

export function stateText(state: Sealed): string {
  return state.plain ? JSON.stringify(state.value) : writeJson(state.value, STORED);
}

/**
 * Seals a state whose text has at most so many bytes in UTF-8. The text itself is only made where the bounds leave it open.
 *
 * @throws ValueError
 */
export function sealState(value: unknown, name: string, limitBytes: number): Sealed {
  const sealed = seal(value, name, limitBytes);
  if (sealed.mostBytes > limitBytes && isLongerThan(stateText(sealed), limitBytes)) {
    throw new ValueError(`${name} is larger than ${limitBytes} bytes`);
  }
  return sealed;
}

/** @throws WarrenError `store-corrupt` when the text is none that `stateText` has made. */
export function decodeState(text: string): Sealed {
  try {
    const parsed: unknown = JSON.parse(text);
    return seal(text.includes('bigint"') ? untag(parsed) : parsed, 'state');
  } catch (cause) {
    throw new WarrenError('store-corrupt', `a stored state cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Puts bigints in the place of their tags, and takes the added `$` away. Changes what it is given, which was just parsed. */
function untag(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = untag(value[i]);
    return value;
  }
  const names = Object.keys(value);
  const only = names.length === 1 ? (names[0] as string) : '';
  if (only === TAG) return bigintOf((value as Record<string, unknown>)[only]);
  if (LOOKALIKE.test(only)) return { [only.slice(1)]: untag((value as Record<string, unknown>)[only]) };
  for (const name of names) define(value, name, untag((value as Record<string, unknown>)[name]));
  return value;
}

function bigintOf(digits: unknown): bigint {
  if (typeof digits !== 'string' || !HEXADECIMAL.test(digits)) {
    throw new SyntaxError(`${JSON.stringify(digits)} is no hexadecimal bigint`);
  }
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}
