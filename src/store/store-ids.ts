/**
 * The ids under which a store keeps texts. `actor/key` is the state of an actor; ids that begin with a tilde are the runtime's own, and no name of
 * an actor does:
 *
 *   ~record/{actor}/{key} {idempotency key}   the answer to a command with that key. The key of the client has no blanks
 *   ~window/{end}/{version}                   which records were written by one group, for their end; 15 digits each
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

/** @returns undefined for an id that is none of a record. */
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
