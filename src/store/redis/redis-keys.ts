/**
 * The keys in Redis. A script may touch the keys of one hash slot only, so the record has a hash tag that others can share:
 * `{…}` in a key, which alone decides over its slot. A key without a tag becomes the tag itself.
 *
 * What other programs have left behind is read by commands of its own, and may lie in any slot.
 */

export const DEFAULT_KEY = 'warren:{0}:fence';

/** The default of earlier versions. It had no tag, and its lease lay in another slot. (Today the record carries the lease.) */
export const FORMER_DEFAULT_KEY = 'warren:fibonacci';

/** Where the Go service that Warren replaces kept its current value. */
export const PREDECESSOR_KEY = 'fibonacci_current';

/** As Redis reads it: from the first `{` to the first `}` behind it, with something in between. */
const HASH_TAG = /^[^{]*\{([^}]+)\}/;

/** @returns undefined when no other key can be named in the slot of this one, such as `a}b`. */
export function siblingKeyOf(key: string, name: string): string | undefined {
  if (HASH_TAG.test(key)) return `${key}:${name}`;
  return key.includes('}') ? undefined : `{${key}}:${name}`;
}
