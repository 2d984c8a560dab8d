/**
 * Everything that crosses between the main thread and the owner thread: one union per direction, and the words of
 * shared memory that both sides read without a message.
 *
 * Replies come in exactly the order in which their messages went, so neither side sends an identity: the n-th reply
 * belongs to the n-th message of this owner's reign. An envelope is one number each way; how it crosses is in `channel.ts`.
 */
import type { ProblemCode } from '../errors.js';

export type ToOwner =
  /** The messages of one event-loop turn, in the order of their requests. */
  | { readonly kind: 'asks'; readonly messages: Uint8Array<ArrayBuffer> }
  /** First of all to a successor: what the dead owner had not answered. It may have committed some of it. */
  | { readonly kind: 'asks-again'; readonly messages: Uint8Array<ArrayBuffer> }
  /** Take the turns that wait, commit, close the store, say `stopped` and end. */
  | { readonly kind: 'stop' };

export type FromOwner =
  | {
      readonly kind: 'replies';
      readonly replies: Float64Array<ArrayBuffer>;
      /** Undefined as long as no state is known: refusals show none. */
      readonly acknowledged: Acknowledged | undefined;
    }
  /** The state was read or taken over, and commits pass. Comes again after every absence of the store. */
  | { readonly kind: 'serving'; readonly acknowledged: Acknowledged; readonly origin: Origin }
  /** The store does not answer; comes once per absence, and once more when it refuses until an operator has mended it. */
  | { readonly kind: 'away'; readonly reason: string }
  /** Another instance reigns; comes once per reign of others. */
  | { readonly kind: 'standby'; readonly reason: string }
  /** The owner cannot go on, and neither could a successor. */
  | { readonly kind: 'fatal'; readonly code: string; readonly reason: string }
  | { readonly kind: 'stopped' };

/** What the replies so far have shown: from here a successor starts. */
export interface Acknowledged {
  readonly epoch: number;
  readonly version: number;
  readonly state: number;
}

/** Where the state came from: the store, a replaced service, the configuration, a dead owner, or an absence. */
export type Origin = 'stored' | 'predecessor' | 'fresh' | 'resumed' | 'returned';

const REFUSALS = [
  'sequence-exhausted',
  'store-unavailable',
  'commit-in-doubt',
  'standby',
] as const satisfies ProblemCode[];

export type WireRefusal = (typeof REFUSALS)[number];

/** Replies are non-negative; a refusal travels as a negative number. */
export function encodeReply(reply: number | WireRefusal): number {
  return typeof reply === 'number' ? reply : -1 - REFUSALS.indexOf(reply);
}

export function decodeReply(wire: number): number | WireRefusal {
  if (wire >= 0) return wire;
  const refusal = REFUSALS[-1 - wire];
  if (!refusal) throw new RangeError(`no refusal has the number ${wire}`);
  return refusal;
}

/** Indexes into the shared Int32Array of vital signs. */
export const MAIN_PULSE = 0;
export const OWNER_PULSE = 1;
/** 1 + position of the message whose turn is being taken, modulo `MARKS`; 0 between turns. */
export const TURN_IN_PROGRESS = 2;
/** Positions that can be told apart: far more than can wait at a time, and 1 more fits 32 bits. */
export const MARKS = 0x7fff_ffff;
export const VITAL_SIGNS = 3;
