/**
 * The interface between the owner and the actors that it serves. A behavior takes the turns of one actor, and encodes and decodes its states. Every message
 * of every actor has one number.
 */

/** The rules of one actor. Its methods are pure. */
export interface Behavior {
  readonly actor: string;
  /**
   * Decodes a stored state. @param text undefined for an actor that is not stored.
   *
   * @throws WarrenError `state-unreadable` when this version of the actor cannot read it.
   */
  load(text: string | undefined): LoadedState;
  /**
   * The first text of an actor that is not stored, made from what another program has left in the store.
   *
   * @param commit that the text names as the one that wrote it.
   * @throws WarrenError as `ActorStore.load`, and `predecessor-invalid`.
   */
  inherited?(commit: string): Promise<string | undefined>;
  /** Encodes a state, so that `load` decodes the same state. Never throws. @param commit that writes the text. */
  encode(state: unknown, commit: string): string;
  /**
   * Takes one turn. Never throws.
   *
   * @returns a promise when the reply is encoded on another thread. It never rejects, and no other turn is taken until it resolves.
   */
  turn(
    message: number,
    state: unknown,
    key: string,
    input: string | undefined,
    context: TurnContext,
  ): Turn | Promise<Turn>;
}

export interface TurnContext {
  readonly id: string;
  /** Milliseconds since 1970; never falls. */
  readonly now: number;
  /** The commit that wrote the state; empty when there is no state, or when it is not part of a group yet. */
  readonly commit: string;
}

export interface Turn {
  /** As in `link/reply-kind.ts`. */
  readonly kind: number;
  readonly detail: number;
  readonly text: string;
  /** Undefined: the state is unchanged. */
  readonly change: StateChange | undefined;
  /** For the log, when the behavior has failed: the thrown error with its stack. */
  readonly failure: string | undefined;
}

export interface LoadedState {
  /** Frozen. */
  readonly state: unknown;
  /** Estimate of its size in memory, in bytes. */
  readonly bytes: number;
  /** The commit that wrote it; empty for a state that is not stored. */
  readonly commit: string;
}

export interface StateChange {
  /** The new state, frozen; undefined: the actor is forgotten. */
  readonly state: unknown;
  /** Estimate of its size in memory, in bytes. */
  readonly bytes: number;
  /** Estimate of the size of its stored text, in bytes. The text is made once per group, not once per turn. */
  readonly textBytes: number;
}

export interface ServedMessage {
  readonly behavior: Behavior;
  /** Number of the message within its actor, or of an operator's edit as in `edit.ts`. */
  readonly message: number;
  /** Name of the message. */
  readonly name: string;
}
