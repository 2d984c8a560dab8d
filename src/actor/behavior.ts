/**
 * What a user of Warren writes: a behavior, the pure rule by which one actor answers its messages.
 *
 * State, messages and replies are non-negative safe integers. That is the whole trick of the runtime: a batch of
 * envelopes is one flat typed array, and a checkpoint has the same size after a billion turns. Anything large is
 * derived from the state outside of the owner (a Fibonacci number from its index, a ticket's text from its number).
 */
import type { ProblemCode } from '../errors.js';

/** Problems with which a behavior may decline a message. A refused message must leave the state as it was. */
export type Refusal = Extract<ProblemCode, 'sequence-exhausted'>;

const REFUSALS: ReadonlySet<unknown> = new Set<Refusal>(['sequence-exhausted']);

export interface Turn {
  readonly state: number;
  readonly reply: number | Refusal;
}

export interface Behavior {
  /** Names the actor in its checkpoint: a record of another actor is never taken for one's own. */
  readonly actor: string;

  /**
   * One turn. Pure: no clock, no I/O, nothing kept between calls, since a turn whose commit failed is taken again.
   *
   * @param message 0 to 254, chosen by the behavior.
   * @throws whatever it likes: the owner thread ends, and a new one takes the message again, once. A turn that breaks the
   * rules above counts as thrown.
   */
  receive(state: number, message: number): Turn;
}

/**
 * One turn, checked before anything of it is committed or leaves: a state that is no such number could never be read again,
 * and a negative reply would arrive as another problem.
 *
 * @throws RangeError when the behavior returned what it must not.
 */
export function takeTurn(behavior: Behavior, state: number, message: number): Turn {
  const turn = behavior.receive(state, message);
  const refused = typeof turn.reply === 'string';
  const valid =
    isCount(turn.state) && (refused ? REFUSALS.has(turn.reply) && turn.state === state : isCount(turn.reply));
  if (valid) return turn;
  throw new RangeError(
    `the behavior ${behavior.actor} answered message ${message} at state ${state} with state ${turn.state} and reply ${turn.reply}`,
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
