/** The kinds of replies: the number in the KIND field of a reply cell, with the flags ASCII and REPLAYED. */

/** Answered 200, with the text as JSON. */
export const JSON_REPLY = 1;
/** Answered 204. */
export const NO_REPLY = 2;
/** The reply is the number in DETAIL. A resident with routes of its own makes the body from it. */
export const NUMBER_REPLY = 3;
/** The behavior refused. The status is in DETAIL, the text is `"code":…,"details":…`. */
export const REFUSAL = 4;
/** A problem of Warren's own. DETAIL is its index in `LINK_PROBLEMS`; the text says more, or is empty. */
export const PROBLEM = 5;
/** No client waits for this reply. */
export const NOTHING = 6;
/** The reply is at the same position in the link of the previous owner thread, whose last group turned out to be stored. */
export const BEFORE = 7;

export const KIND_BITS = 0xff;
/** Flag: the text is ASCII, so it may be read as Latin-1. */
export const ASCII = 1 << 8;
/** Flag: the reply is the answer that an earlier request with the same Idempotency-Key got. */
export const REPLAYED = 1 << 9;

/** Problems that an owner may answer with. */
export const LINK_PROBLEMS = [
  'bad-input',
  'input-inexact',
  'input-invalid',
  'key-invalid',
  'behavior-failed',
  'state-unreadable',
  'idempotency-key-reused',
  'idempotency-full',
  'sequence-exhausted',
  'store-unavailable',
  'commit-in-doubt',
  'standby',
  'shutting-down',
] as const;

export type LinkProblem = (typeof LINK_PROBLEMS)[number];
