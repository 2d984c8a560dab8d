/**
 * The one durable record of an actor, and its text form, shared by all stores.
 *
 *   {"format":"warren/2","actor":"fibonacci","epoch":3,"version":120,"renewal":7,"lease":3000,"state":4711,"writer":"9f…",
 *    "instance":"a:8080","process":"77….4711.8823","check":"5d…"}
 *
 * The check is the head of a SHA-256 over the rest, so a flipped digit is never taken for another number. The text
 * is canonical: equal checkpoints have equal texts. So a store can compare-and-set by the whole text, and
 * an operator can read it with the store's own tools. Its size does not depend on the size of the numbers handed out.
 * A record of the format before, warren/1, is read and replaced by one of today.
 */
import { hash } from 'node:crypto';
import { WarrenError } from '../errors.js';
import type { Fence } from './fence.js';

export interface Checkpoint extends Fence {
  /** The actor's state. */
  readonly state: number;
}

const FORMAT = 'warren/2';
const FORMER_FORMAT = 'warren/1';
/** The default of its time: its owner, should it live, counts on this. */
const FORMER_LEASE_MS = 3_000;

/** The checkpoint that a commit expects is the one that the commit before has encoded. */
const encoded = new WeakMap<Checkpoint, { readonly actor: string; readonly text: string }>();

export function encodeCheckpoint(actor: string, checkpoint: Checkpoint): string {
  const known = encoded.get(checkpoint);
  if (known?.actor === actor) return known.text;
  const text = textOf(actor, checkpoint);
  encoded.set(checkpoint, { actor, text });
  return text;
}

function textOf(actor: string, checkpoint: Checkpoint): string {
  const { epoch, version, renewal, lease, state, writer, instance, process } = checkpoint;
  return withCheck({
    format: FORMAT,
    actor,
    epoch,
    version,
    renewal,
    lease,
    state,
    writer,
    instance,
    process,
  });
}

function withCheck(fields: Record<string, string | number>): string {
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
  const { format } = fields;
  if (format !== FORMAT && format !== FORMER_FORMAT) throw foreign(text, `its format is not ${FORMAT}`);
  if (fields['actor'] !== actor) throw foreign(text, `its actor is not "${actor}"`);
  const checkpoint = format === FORMAT ? checkpointOf(fields) : formerCheckpointOf(fields);
  if (!checkpoint) {
    throw new WarrenError('store-corrupt', `the stored record has damaged fields: ${excerpt(text)}`);
  }
  const { epoch, version, state, writer } = checkpoint;
  const whole =
    format === FORMAT
      ? textOf(actor, checkpoint)
      : withCheck({ format: FORMER_FORMAT, actor, epoch, version, state, writer });
  if (whole !== text) {
    throw new WarrenError('store-corrupt', `the stored record does not match its check: ${excerpt(text)}`);
  }
  encoded.set(checkpoint, { actor, text });
  return checkpoint;
}

function checkpointOf(fields: Record<string, unknown>): Checkpoint | undefined {
  const { epoch, version, renewal, lease, state, writer, instance, process } = fields;
  if (!isCount(epoch) || !isCount(version) || !isCount(renewal) || !isCount(lease) || !isCount(state)) {
    return undefined;
  }
  if (typeof writer !== 'string' || typeof instance !== 'string' || typeof process !== 'string') {
    return undefined;
  }
  return { epoch, version, renewal, lease, state, writer, instance, process };
}

function formerCheckpointOf({
  epoch,
  version,
  state,
  writer,
}: Record<string, unknown>): Checkpoint | undefined {
  if (!isCount(epoch) || !isCount(version) || !isCount(state) || typeof writer !== 'string') {
    return undefined;
  }
  return { epoch, version, renewal: 0, lease: FORMER_LEASE_MS, state, writer, instance: '', process: '' };
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
