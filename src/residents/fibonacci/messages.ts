/** Names and numbers of the sequence's messages, for the main thread and the owner thread. */

/** Its name in the store, and its key: there is one sequence. No actor of a user has an empty key. */
export const ACTOR = 'fibonacci';
export const KEY = '';

/** Messages. Each is answered with an index: that of the term asked for. */
export const CURRENT = 0;
export const NEXT = 1;
export const PREVIOUS = 2;
export const MESSAGES = ['current', 'next', 'previous'];

/** As one node asks another. */
export const TARGETS = [
  { method: 'GET', path: '/current' },
  { method: 'POST', path: '/next' },
  { method: 'GET', path: '/previous' },
] as const;
