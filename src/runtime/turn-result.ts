/** What one turn comes to. The owner commits what changed, and the front answers with the rest. */
import type { Checked, Sealed } from './values.js';

export interface TurnLimits {
  /** Of the text in the store, in UTF-8. */
  readonly stateBytes: number;
  /** Of the text of a reply, or of a refusal's details. */
  readonly replyBytes: number;
  /** A text that holds more bits of bigints above 64 bits is `large`. */
  readonly largeBigintBits: number;
}

export type TurnResult = Replied | Refused | Failed | Invalid;

/** The turn was taken. */
export interface Replied {
  readonly kind: 'replied';
  readonly reply: Text;
  readonly next: NextState;
}

/** `large`: its text is made by `replyText` on another thread, since its bigints have too many digits for the owner thread. */
export type Text =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'large'; readonly checked: Checked };

/** `forgotten` only where there was a state. */
export type NextState =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly state: Sealed }
  | { readonly kind: 'forgotten' };

/** The actor said no; its state is unchanged. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: string;
  /** 400 to 499. */
  readonly status: number;
  readonly details: Text;
}

/** A bug in the actor; its state is unchanged. */
export interface Failed {
  readonly kind: 'failed';
  readonly code: 'behavior-failed';
  /** A sentence for the log and the author of the actor. */
  readonly reason: string;
  /** A sentence for clients. What was thrown is not in it: that may hold a secret. */
  readonly shown: string;
  /** Where something was thrown. */
  readonly stack: string | undefined;
}

/** The client sent what the actor does not take. No turn was taken. */
export interface Invalid {
  readonly kind: 'invalid';
  readonly code: 'bad-input' | 'input-inexact' | 'input-invalid';
  readonly detail: string;
  /** What a schema found. */
  readonly issues: readonly InputIssue[];
}

export interface InputIssue {
  readonly message: string;
  /** Where in the input, such as `seats` or `items[3].name`. Empty for the whole. */
  readonly path: string;
}
