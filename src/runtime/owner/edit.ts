/**
 * What an operator does to an actor, as messages of that actor: they have numbers behind those of all messages, take their turns in order with them,
 * and what they change goes through the gate.
 *
 *   body:  the commit that must have written the state, "none" for no state, or nothing; a line feed; the new state as in the store
 */
import { messageOf } from '../../errors.js';
import { InputError, parseInput } from '../input-text.js';
import { decodeState, sealState } from '../state-text.js';
import type { Sealed } from '../values.js';

/** Numbers within an actor. */
export const SET = -1;
export const FORGET = -2;
/** In the order of their numbers among all messages, actor by actor. */
export const EDITS = [SET, FORGET];
export const EDIT_NAMES = ['set by an operator', 'forgotten by an operator'];

/** What `--if` says of an actor without a state. */
export const NO_COMMIT = 'none';

export function editBody(expected: string | undefined, state: string): Buffer {
  return Buffer.from(`${expected ?? ''}\n${state}`);
}

export interface Edit {
  /** Undefined for any. */
  readonly expected: string | undefined;
  readonly state: string;
}

export function readEdit(body: string): Edit {
  const end = body.indexOf('\n');
  return { expected: body.slice(0, end) || undefined, state: body.slice(end + 1) };
}

/**
 * The checks of a state that a command returns, and those of an input: no number loses a digit unseen.
 *
 * @throws Error that says what is wrong.
 */
export function stateFrom(text: string, limitBytes: number): Sealed {
  try {
    parseInput(text);
    return sealState(decodeState(text).value, 'the state', limitBytes);
  } catch (error) {
    if (error instanceof InputError) throw new Error(error.message.replace(/^the body/, 'the state'));
    throw new Error(messageOf(error).replace(/^a stored state cannot be read: /, ''));
  }
}
