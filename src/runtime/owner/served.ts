/** What one owner serves, in the form that its loop needs: every message of every actor has one number. */

/** How one kind of actor takes its turns. Pure. */
export interface Behavior {
  readonly actor: string;
  /**
   * A state from its stored text; from undefined that of an actor which is not stored.
   *
   * @throws WarrenError `state-unreadable` when this version of the actor cannot read it.
   */
  load(text: string | undefined): LoadedState;
  /**
   * The stored text of an actor which is not stored: what another program has left behind.
   *
   * @param commit that the text names.
   * @throws WarrenError as `ActorStore.load`, and `predecessor-invalid`.
   */
  inherited?(commit: string): Promise<string | undefined>;
  /** The text of a state in the store, from which `load` makes the same state. Never throws. @param commit that writes it. */
  encode(state: unknown, commit: string): string;
  /**
   * One turn. Never throws.
   *
   * @returns a promise when the text of its reply is made on another thread. It never rejects, and no other turn is taken before it.
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
  /** That wrote the state; empty when there is none, or when the state is not part of a group yet. */
  readonly commit: string;
}

export interface Turn {
  /** As in `link/reply-kind.ts`. */
  readonly kind: number;
  readonly detail: number;
  readonly text: string;
  /** Undefined: the state is as it was. */
  readonly change: StateChange | undefined;
  /** For the log, when the behavior has failed: what it threw, with its stack. */
  readonly failure: string | undefined;
}

export interface LoadedState {
  /** Frozen. */
  readonly state: unknown;
  /** What it takes in memory, about. */
  readonly bytes: number;
  /** That wrote it; empty for a state that is not stored. */
  readonly commit: string;
}

export interface StateChange {
  /** The new state, frozen; undefined: the actor is forgotten. */
  readonly state: unknown;
  /** What it takes in memory, about. */
  readonly bytes: number;
  /** What its stored text takes, about. The text itself is made once per group, not once per turn. */
  readonly textBytes: number;
}

export interface ServedMessage {
  readonly behavior: Behavior;
  /** The message's number within its actor; of an operator's edit as in `edit.ts`. */
  readonly message: number;
  /** The message's name. */
  readonly name: string;
}
