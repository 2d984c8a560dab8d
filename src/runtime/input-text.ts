/**
 * Parses the input of a message: JSON for a command, search parameters for a query.
 *
 * Numbers become doubles. An integer that a double cannot hold exactly is refused, since the actor would get another number; so is a number
 * that is too large for a double. Decimal fractions are rounded as always. When two members have the same name the last one counts, as with
 * `JSON.parse`. Pure; runs on the owner thread.
 */
import { messageOf } from '../errors.js';
import type { InputIssue, Invalid } from './turn-result.js';
import { define, MAX_DEPTH } from './values.js';

/** An input that is refused before its turn. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code: Invalid['code'];
  readonly issues: readonly InputIssue[];

  constructor(code: Invalid['code'], message: string, issues: readonly InputIssue[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/** Every inexact number matches: it has 16 digits in a row, or an exponent of three digits. Text in quotes may match too. */
const MAYBE_INEXACT = /\d{16}|\d[eE][+-]?\d{3}/;

/**
 * @param text the body. When it is empty or undefined, so is the input.
 * @throws InputError
 */
export function parseInput(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    throw new InputError('bad-input', `the body is not JSON: ${messageOf(error)}`);
  }
  if (text.length > 2 * MAX_DEPTH || MAYBE_INEXACT.test(text)) inspect(text);
  return input;
}

/**
 * @param search the text after the question mark. All values are strings.
 * @throws InputError when a name occurs twice: its value would have to be an array.
 */
export function parseSearch(search: string | undefined): Record<string, string> | undefined {
  if (search === undefined || search === '') return undefined;
  const input: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (Object.hasOwn(input, name)) {
      throw new InputError('bad-input', `the search parameter ${JSON.stringify(name)} is there twice`);
    }
    define(input, name, value);
  }
  return input;
}

const [QUOTE, BACKSLASH, MINUS, PLUS, POINT] = [34, 92, 45, 43, 46];
const [ZERO, NINE, UPPER_E, LOWER_E] = [48, 57, 69, 101];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

/** Checks the depth of nesting and every number. @param text valid JSON. */
function inspect(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      depth += 1;
      if (depth > MAX_DEPTH) {
        throw new InputError('bad-input', `the body is nested deeper than ${MAX_DEPTH} levels`);
      }
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      depth -= 1;
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, i);
      inspectNumber(text.slice(i, end));
      i = end - 1;
    }
  }
}

function inspectNumber(literal: string): void {
  const value = Number(literal);
  if (Number.isSafeInteger(value)) return;
  const exact = Number.isFinite(value) && (/[.eE]/.test(literal) || BigInt(literal) === BigInt(value));
  if (exact) return;
  const shown = literal.length > 40 ? `${literal.slice(0, 40)}…` : literal;
  throw new InputError('input-inexact', `the number ${shown} has no exact double; send it as a string`);
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isOfNumber(text.charCodeAt(end))) end += 1;
  return end;
}

function isOfNumber(code: number): boolean {
  return (
    isDigit(code) || code === POINT || code === LOWER_E || code === UPPER_E || code === PLUS || code === MINUS
  );
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
