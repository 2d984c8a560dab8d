/**
 * The messages of `protocol.ts` as numbers in two rings, one for each direction. Only what is rare and has words in it
 * travels as a message of its port: a mark in the ring keeps its place in the order, so to its reader there is one order.
 *
 *   to the owner:    a message: its number, 0 to 254 | AGAIN, count, so many messages | STOP
 *   from the owner:  count, epoch, version, state, so many replies                    | WORDS: take the next from the port
 */
import type { FromOwner, ToOwner } from './protocol.js';
import { type RingMemory, type RingReader, type RingWriter, ringMemory } from './ring.js';

export interface Channel {
  readonly toOwner: RingMemory;
  readonly fromOwner: RingMemory;
}

export type Replies = Extract<FromOwner, { kind: 'replies' }>;
/** What travels by the port. */
export type Words = Exclude<FromOwner, Replies>;

const AGAIN = -1;
const STOP = -2;
const WORDS = -1;

/** Before the first reply of `Replies`. */
const REPLIES_HEAD = 4;
/**
 * Room beyond what asks and their replies need: for AGAIN, its count and STOP one way, for heads without replies and for WORDS
 * the other way. An async owner with a lease posts such a head every 10 ms at most. A main thread that looks at none of
 * them for 80 s overflows the ring, and the owner ends; its successor goes on from what was read.
 */
const ASKS_ROOM = 16;
const REPLIES_ROOM = 32_768;

/** @param mailboxLimit what the owner owes is never more. */
export function createChannel(mailboxLimit: number): Channel {
  return {
    toOwner: ringMemory(mailboxLimit + ASKS_ROOM),
    fromOwner: ringMemory((1 + REPLIES_HEAD) * mailboxLimit + REPLIES_ROOM),
  };
}

export function writeToOwner(ring: RingWriter, message: ToOwner): void {
  if (message.kind === 'stop') ring.push(STOP);
  else {
    if (message.kind === 'asks-again') {
      ring.push(AGAIN);
      ring.push(message.messages.length);
    }
    for (const code of message.messages) ring.push(code);
  }
  ring.publish();
}

/** All that is there; asks that follow each other are one batch: batch by batch, each would get a commit of its own. */
export function readToOwner(ring: RingReader): ToOwner[] {
  const messages: ToOwner[] = [];
  let left = ring.look();
  const asks = new Uint8Array(left);
  let count = 0;
  const endBatch = () => {
    if (count > 0) messages.push({ kind: 'asks', messages: asks.slice(0, count) });
    count = 0;
  };
  while (left-- > 0) {
    const number = ring.take();
    if (number >= 0) {
      asks[count++] = number;
      continue;
    }
    endBatch();
    if (number === STOP) {
      messages.push({ kind: 'stop' });
      continue;
    }
    const again = new Uint8Array(ring.take());
    for (let i = 0; i < again.length; i++) again[i] = ring.take();
    left -= 1 + again.length;
    messages.push({ kind: 'asks-again', messages: again });
  }
  endBatch();
  ring.release();
  return messages;
}

export function writeReplies(ring: RingWriter, { replies, acknowledged }: Replies): void {
  ring.push(replies.length);
  ring.push(acknowledged?.epoch ?? 0);
  ring.push(acknowledged?.version ?? 0);
  ring.push(acknowledged?.state ?? 0);
  for (const reply of replies) ring.push(reply);
  ring.publish();
}

/** The words must have been posted before. */
export function writeMark(ring: RingWriter): void {
  ring.push(WORDS);
  ring.publish();
}

/**
 * The next message; undefined when there is none, or when it is one in words that the port has not delivered yet.
 *
 * @param nextWords takes the next message that the port has delivered.
 */
export function readFromOwner(ring: RingReader, nextWords: () => Words | undefined): FromOwner | undefined {
  if (ring.look() === 0) return undefined;
  if (ring.peek() === WORDS) {
    const words = nextWords();
    if (words) ring.take();
    ring.release();
    return words;
  }
  const replies = new Float64Array(ring.take());
  const [epoch, version, state] = [ring.take(), ring.take(), ring.take()];
  for (let i = 0; i < replies.length; i++) replies[i] = ring.take();
  ring.release();
  // No reign has the epoch 0.
  return { kind: 'replies', replies, acknowledged: epoch === 0 ? undefined : { epoch, version, state } };
}
