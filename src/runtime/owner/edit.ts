/**
 * An edit by an operator: sets or forgets the state of an actor. An edit is a message of the actor, so it takes its turn in order with other
 * messages, and its change passes the gate. The numbers of edits follow those of all messages.
 *
 *   body:  the commit that must have written the present state, "none" for no state, or nothing for any; a line feed; the new state as in the store
 */
import { messageOf } from '../../errors.js';
import { InputError, parseInput } from '../input-text.js';
import { decodeState, sealState } from '../state-text.js';
import type { Sealed } from '../values.js';

/** Numbers of the edits within an actor. */
export const SET = -1;
export const FORGET = -2;
/** The edits of each actor, in the order of their numbers among all messages. */
export const EDITS = [SET, FORGET];
export const EDIT_NAMES = ['set by an operator', 'forgotten by an operator'];

/** The value of `--if` for an actor without a state. */
export const NO_COMMIT = 'none';

export function editBody(expected: string | undefined, state: string): Buffer {
  return Buffer.from(`${expected ?? ''}\n${state}`);
}

export interface Edit {
  /** The commit that must have written the present state; undefined for any. */
  readonly expected: string | undefined;
  readonly state: string;
}

export function readEdit(body: string): Edit {
  const end = body.indexOf('\n');
  return { expected: body.slice(0, end) || undefined, state: body.slice(end + 1) };
}

/**
 * Parses the new state. It passes the checks of a state that a command returns, and those of an input: a number that would lose digits is refused.
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
