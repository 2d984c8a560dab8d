/**
 * A bell wakes the other thread: it is a counter in shared memory that is incremented whenever there is something new in a link. One front and
 * one owner thread share two bells, for the links of all shards.
 *
 * A thread reads the counter, then the links, then waits until the counter differs from what it read. So it misses nothing that arrives in
 * between.
 */

/** The front rings it when there are new requests. */
export const REQUEST_BELL = 0;
/** The owner thread rings it when there are released replies. In a cache line of its own. */
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

/** How often the bell was rung, modulo 2^32. */
export function rung(bells: Bells, bell: number): number {
  return Atomics.load(bells, bell);
}

/** Calls back once, when the counter differs from `seen`; never before this returns. */
export function awaitBell(bells: Bells, bell: number, seen: number, callback: () => void): void {
  void Promise.resolve(Atomics.waitAsync(bells, bell, seen).value).then(callback);
}
