/**
 * The one durable record of an actor, and its text form, shared by all stores.
 *
 *   {"format":"warren/1","actor":"fibonacci","epoch":3,"version":120,"state":4711,"writer":"9f…","check":"5d…"}
 *
 * The check is the head of a SHA-256 over the rest, so a flipped digit is never taken for another number. The text
 * is canonical: equal checkpoints have equal texts. So a store can compare-and-set by the whole text, and
 * an operator can read it with the store's own tools. Its size does not depend on the size of the numbers handed out.
 */
import { hash } from 'node:crypto';
import { WarrenError } from '../errors.js';

export interface Checkpoint {
  /** Number of the owner's reign; grows at every take-over. */
  readonly epoch: number;
  /** Number of the commit; grows with every one, over all epochs. */
  readonly version: number;
  /** The actor's state. */
  readonly state: number;
  /** Identity of the process that wrote it: two processes that reach for the same epoch differ here. */
  readonly writer: string;
}

const FORMAT = 'warren/1';

/** The checkpoint that a commit expects is the one that the commit before has encoded. */
const encoded = new WeakMap<Checkpoint, { readonly actor: string; readonly text: string }>();

export function encodeCheckpoint(actor: string, checkpoint: Checkpoint): string {
  const known = encoded.get(checkpoint);
  if (known?.actor === actor) return known.text;
  const text = textOf(actor, checkpoint);
  encoded.set(checkpoint, { actor, text });
  return text;
}

function textOf(actor: string, { epoch, version, state, writer }: Checkpoint): string {
  const fields = { format: FORMAT, actor, epoch, version, state, writer };
  const check = hash('sha256', JSON.stringify(fields)).slice(0, 16);
  return JSON.stringify({ ...fields, check });
}

/** @throws WarrenError `store-foreign` for somebody else's record, `store-corrupt` for a damaged one of ours. */
export function decodeCheckpoint(actor: string, text: string): Checkpoint {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw new WarrenError('store-corrupt', `the stored record is not JSON: ${excerpt(text)}`, { cause });
  }
  if (typeof record !== 'object' || record === null) throw foreign(text, 'not an object');
  const fields = record as Record<string, unknown>;
  if (fields['format'] !== FORMAT) throw foreign(text, `its format is not ${FORMAT}`);
  if (fields['actor'] !== actor) throw foreign(text, `its actor is not "${actor}"`);
  const { epoch, version, state, writer } = fields;
  if (!isCount(epoch) || !isCount(version) || !isCount(state) || typeof writer !== 'string') {
    throw new WarrenError('store-corrupt', `the stored record has damaged fields: ${excerpt(text)}`);
  }
  const checkpoint = { epoch, version, state, writer };
  if (encodeCheckpoint(actor, checkpoint) !== text) {
    throw new WarrenError('store-corrupt', `the stored record does not match its check: ${excerpt(text)}`);
  }
  return checkpoint;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function foreign(text: string, why: string): WarrenError {
  return new WarrenError('store-foreign', `the stored record is not ours, ${why}: ${excerpt(text)}`);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
