/**
 * The ids under which a store keeps texts. `actor/key` is the id of an actor's state. Ids that begin with a tilde belong to the runtime; no name
 * of an actor begins so.
 *
 *   ~record/{actor}/{key} {idempotency key}   an answer record. An idempotency key has no blanks
 *   ~window/{end}/{version}                   the ids of the records that one group has written, which expire together; 15 digits each
 *   ~size                                     bytes of all records
 */

export const SIZE_ID = '~size';
export const RECORDS = '~record/';
export const WINDOWS = '~window/';

export interface RecordId {
  /** Id of the actor's state. */
  readonly actor: string;
  /** The idempotency key. */
  readonly key: string;
}

/** @returns undefined when the id is not that of a record. */
export function recordOf(id: string): RecordId | undefined {
  if (!id.startsWith(RECORDS)) return undefined;
  const blank = id.lastIndexOf(' ');
  return { actor: id.slice(RECORDS.length, blank), key: id.slice(blank + 1) };
}

export function recordId({ actor, key }: RecordId): string {
  return `${RECORDS}${actor} ${key}`;
}

export function isState(id: string): boolean {
  return !id.startsWith('~');
}
