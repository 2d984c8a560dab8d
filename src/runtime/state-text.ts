/**
 * Encodes a state as the text in the store, and decodes it. `decodeState(stateText(seal(x)))` equals `seal(x)`, and encoding that again gives
 * the same text.
 *
 * The text is JSON. A bigint is written as `{"$bigint":"-ff"}`: hexadecimal takes linear time in both directions, decimal does not. When an
 * actor's object has one member, called `$bigint`, `$$bigint` and so on, the text has one more `$`, so the object is never read as a bigint. Pure;
 * runs on the owner thread.
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
 * Checks and freezes a state. The text is written only when the estimate of its size does not decide.
 *
 * @param limitBytes of its text in UTF-8.
 * @throws ValueError when the state holds a value that is not allowed, or its text is too long.
 */
export function sealState(value: unknown, name: string, limitBytes: number): Sealed {
  const sealed = seal(value, name, limitBytes);
  if (sealed.mostBytes > limitBytes && isLongerThan(stateText(sealed), limitBytes)) {
    throw new ValueError(`${name} is larger than ${limitBytes} bytes`);
  }
  return sealed;
}

/** @throws WarrenError `store-corrupt` when `stateText` cannot have written the text. */
export function decodeState(text: string): Sealed {
  try {
    const parsed: unknown = JSON.parse(text);
    return seal(text.includes('bigint"') ? untag(parsed) : parsed, 'state');
  } catch (cause) {
    throw new WarrenError('store-corrupt', `a stored state cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Replaces tags by bigints, and removes the added `$`. Changes its argument in place, which was just parsed. */
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
