/** Checks the result of an actor's function. An unknown member is an error, so that new members can be added later. Pure; runs on the owner thread. */
import { types } from 'node:util';
import { textWithin } from './reply-text.js';
import { sealState } from './state-text.js';
import type { NextState, Refused, Replied, Text, TurnLimits } from './turn-result.js';
import { describe } from './value-error.js';
import { check, isPlainPrototype, type Sealed } from './values.js';

/** An invalid result. The message continues a sentence that begins with the name of the function. */
export class BehaviorError extends Error {
  override readonly name = 'BehaviorError';
}

const MEMBERS = ['state', 'reply', 'refuse', 'forget'];
const REFUSAL_MEMBERS = ['code', 'status', 'details'];
const DEFAULT_STATUS = 409;
/** Longest code of a refusal, in characters. */
const CODE_LENGTH = 1_000;

const NONE: Text = { kind: 'none' };
const UNCHANGED: NextState = { kind: 'unchanged' };
const FORGOTTEN: NextState = { kind: 'forgotten' };

/** The result of a query is its reply, unless it is an object with the only member `refuse`: a refusal. @throws BehaviorError, ValueError */
export function queryResult(result: unknown, limits: TurnLimits): Replied | Refused {
  refusePromise(result);
  if (isPlainObject(result) && Object.keys(result).length === 1 && isPlainObject(result['refuse'])) {
    return refused(result['refuse'], limits);
  }
  return { kind: 'replied', reply: textOf(result, 'reply', limits), next: UNCHANGED };
}

/**
 * @param before the stored state, or undefined.
 * @throws BehaviorError, ValueError
 */
export function commandResult(
  result: unknown,
  before: Sealed | undefined,
  limits: TurnLimits,
): Replied | Refused {
  refusePromise(result);
  if (!isPlainObject(result))
    throw new BehaviorError(
      `returned what ${describe(result)}; a command returns { state?, reply?, refuse?, forget? }`,
    );
  refuseUnknown(result, MEMBERS, '');
  const { state, reply, refuse, forget = false } = result;
  if (typeof forget !== 'boolean') throw new BehaviorError('returned a forget that is not true or false');
  if (refuse !== undefined) {
    if (state !== undefined || reply !== undefined || forget) {
      throw new BehaviorError(
        'returned a refusal with a state, a reply or forget; a refusal changes nothing',
      );
    }
    return refused(refuse, limits);
  }
  if (forget && state !== undefined) throw new BehaviorError('returned a state and forget');
  const next = forget ? forgotten(before) : nextState(state, before, limits);
  return { kind: 'replied', reply: textOf(reply, 'reply', limits), next };
}

function forgotten(before: Sealed | undefined): NextState {
  return before === undefined ? UNCHANGED : FORGOTTEN;
}

function nextState(state: unknown, before: Sealed | undefined, limits: TurnLimits): NextState {
  if (state === undefined) return UNCHANGED;
  // A state is deeply frozen, so the same object is an unchanged state.
  if (state === before?.value) return UNCHANGED;
  return { kind: 'changed', state: sealState(state, 'state', limits.stateBytes) };
}

function textOf(value: unknown, name: string, { replyBytes, largeBigintBits }: TurnLimits): Text {
  if (value === undefined) return NONE;
  const checked = check(value, name, replyBytes);
  if (checked.bigintBits > largeBigintBits) return { kind: 'large', checked };
  return { kind: 'text', text: textWithin(checked, name, replyBytes) };
}

function refused(refusal: unknown, limits: TurnLimits): Refused {
  if (!isPlainObject(refusal)) throw new BehaviorError('returned a refusal that is no object with a code');
  refuseUnknown(refusal, REFUSAL_MEMBERS, ' in a refusal');
  const { code, status = DEFAULT_STATUS, details } = refusal;
  if (typeof code !== 'string' || code === '') throw new BehaviorError('returned a refusal without a code');
  if (code.length > CODE_LENGTH) {
    throw new BehaviorError(`returned a refusal whose code is longer than ${CODE_LENGTH} characters`);
  }
  if (!Number.isInteger(status) || (status as number) < 400 || (status as number) > 499) {
    throw new BehaviorError('returned a refusal whose status is not a number from 400 to 499');
  }
  return { kind: 'refused', code, status: status as number, details: textOf(details, 'details', limits) };
}

function refusePromise(result: unknown): void {
  if (!types.isPromise(result)) return;
  // An unhandled rejection would end the process.
  result.catch(() => {});
  throw new BehaviorError('returned a promise; a turn is synchronous');
}

function refuseUnknown(object: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    throw new BehaviorError(
      `returned the unknown member ${JSON.stringify(name)}${where}; there are ${known.join(', ')}`,
    );
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return isPlainPrototype(Object.getPrototypeOf(value));
}
