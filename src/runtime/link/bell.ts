/**
 * How the two threads wake each other: a word that counts up whenever there is something new in any of the links between them. One front and one
 * owner thread share two bells, however many shards there are.
 *
 * Look at the count, then at the links, then wait for another count: nothing that comes in between is missed.
 */

/** Rung by the front: there are new requests. */
export const REQUEST_BELL = 0;
/** Rung by the owner thread: there are released replies. In a cache line of its own. */
export const REPLY_BELL = 16;
const WORDS = 32;

export type Bells = Int32Array<SharedArrayBuffer>;

export function newBells(): Bells {
  return new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
}

export function ring(bells: Bells, bell: number): void {
  Atomics.add(bells, bell, 1);
  Atomics.notify(bells, bell);
}

/** How often it was rung, modulo 2^32. */
export function rung(bells: Bells, bell: number): number {
  return Atomics.load(bells, bell);
}

/** Calls back once, when it was rung after it had been `seen`; never before this returns. */
export function awaitBell(bells: Bells, bell: number, seen: number, callback: () => void): void {
  void Promise.resolve(Atomics.waitAsync(bells, bell, seen).value).then(callback);
}
