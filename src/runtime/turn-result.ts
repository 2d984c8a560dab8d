/** The result of one turn: the next state, which the owner commits, and the reply, refusal or error, which the front answers. */
import type { Checked, Sealed } from './values.js';

export interface TurnLimits {
  /** The longest text of a state in the store, in bytes of UTF-8. */
  readonly stateBytes: number;
  /** The longest text of a reply or of a refusal's details, in bytes of UTF-8. */
  readonly replyBytes: number;
  /** A reply whose bigints above 64 bits have more bits than this together is `large`. */
  readonly largeBigintBits: number;
}

export type TurnResult = Replied | Refused | Failed | Invalid;

/** The turn succeeded. */
export interface Replied {
  readonly kind: 'replied';
  readonly reply: Text;
  readonly next: NextState;
}

/** `large`: another thread makes the text by `replyText`, since decimal digits of large bigints take long. */
export type Text =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'large'; readonly checked: Checked };

/** `forgotten` only when there was a state. */
export type NextState =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly state: Sealed }
  | { readonly kind: 'forgotten' };

/** The actor has refused; its state is unchanged. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: string;
  /** 400 to 499. */
  readonly status: number;
  readonly details: Text;
}

/** The actor has a bug; its state is unchanged. */
export interface Failed {
  readonly kind: 'failed';
  readonly code: 'behavior-failed';
  /** A sentence for the log and the author of the actor. */
  readonly reason: string;
  /** A sentence for clients, without the thrown message, which may hold a secret. */
  readonly shown: string;
  /** Stack of the thrown error. */
  readonly stack: string | undefined;
}

/** The input is invalid. No turn was taken. */
export interface Invalid {
  readonly kind: 'invalid';
  readonly code: 'bad-input' | 'input-inexact' | 'input-invalid';
  readonly detail: string;
  /** What the schema reported; empty without a schema. */
  readonly issues: readonly InputIssue[];
}

export interface InputIssue {
  readonly message: string;
  /** Place in the input, such as `seats` or `items[3].name`. Empty for the whole input. */
  readonly path: string;
}
