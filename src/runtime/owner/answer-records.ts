/**
 * The answers that were given under an Idempotency-Key: a retry gets the same one. Owner thread only.
 *
 *   turn ──> added ──seal: part of the group's commit──> stored ──expired, after a day──> deleted
 *
 * A record belongs to an actor and a key, and is stored by the commit that stores the state. All retries pass the same mailbox, so one that
 * comes while the first is in flight finds the record here, and waits for its commit like any other reply.
 *
 * Records that one group has written expire together: a window lists their ids. Ages are told by the fence, by a clock that runs only while the
 * store is served, and never faster than time: a machine whose clock is ahead makes no record expire.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { messageOf, WarrenError } from '../../errors.js';
import { type CommitId, commitText } from '../../store/commit-id.js';
import type { Change, Entry } from '../../store/contract.js';
import { recordId, SIZE_ID, WINDOWS } from '../../store/store-ids.js';
import {
  JSON_REPLY,
  LINK_PROBLEMS,
  type LinkProblem,
  NO_REPLY,
  NUMBER_REPLY,
  PROBLEM,
  REFUSAL,
  REPLAYED,
} from '../link/reply-kind.js';

export interface RecordLimits {
  /** For how long a record is kept at least, in milliseconds. */
  readonly keptMs: number;
  /** Bound on all records in the store, in bytes. */
  readonly bytes: number;
}

/** A reply as the link takes it. */
export interface Reply {
  readonly kind: number;
  readonly detail: number;
  readonly text: string;
}

interface AnswerRecord extends Reply {
  /** Of the request that it answers: see `requestOf`. */
  readonly request: string;
  readonly stored: boolean;
}

/** What stands before the text of a reply, about. */
const HEAD_BYTES = 60;
const COUNT_DIGITS = 15;
/** Records expire by the hour, when they are kept for a day. */
const WINDOWS_KEPT = 24;
/** `1 kind detail commit request check text`, `check` being a CRC-32 of all else. */
const STORED = /^1 (\d+) (\d+) ([\d.]+) ([\w-]{22}) ([0-9a-f]{8}) /;

/** @param actor id of its state. @param idempotency as `OwnerLink.idempotencyAt` has it. */
export function recordIdOf(actor: string, idempotency: string): string {
  return recordId({ actor, key: idempotency.slice(0, idempotency.indexOf(' ')) });
}

/** What makes two requests the same one: message, query string and body. */
export function requestOf(message: string, idempotency: string, body: string | undefined): string {
  const query = idempotency.slice(idempotency.indexOf(' '));
  return hash('sha256', `${message}${query}\n${body ?? ''}`, 'base64url').slice(0, 22);
}

export class AnswerRecords {
  readonly #limits: RecordLimits;
  readonly #windowMs: number;
  /** By id. Null: there is none in the store. */
  readonly #known = new Map<string, AnswerRecord | null>();
  /** Bytes of all records in the store, with those that wait for their commit; undefined before it was loaded. */
  #size: number | undefined;
  #open: string[] = [];
  #openBytes = 0;
  #sealed: string[] = [];
  /** Deletes what has expired. */
  #expired: readonly Change[] = [];
  #expiredBytes = 0;
  #generation = 0;
  expirations = 0;

  constructor(limits: RecordLimits) {
    this.#limits = limits;
    this.#windowMs = Math.max(1, limits.keptMs / WINDOWS_KEPT);
  }

  /** Bytes of all records in the store. */
  get size(): number {
    return this.#size ?? 0;
  }

  get isSizeKnown(): boolean {
    return this.#size !== undefined;
  }

  /** Bytes that the next group has to write. */
  get openBytes(): number {
    return this.#openBytes;
  }

  /** There is something for the next group. */
  get unsealed(): boolean {
    return this.#open.length > 0 || this.#expired.length > 0;
  }

  /** Records of one window expire together: its length, in milliseconds. */
  get windowMs(): number {
    return this.#windowMs;
  }

  /** Records that have expired wait for the next group. */
  get expiring(): boolean {
    return this.#expired.length > 0;
  }

  /** Changes when the memory is emptied. */
  get generation(): number {
    return this.#generation;
  }

  has(id: string): boolean {
    return this.#size !== undefined && this.#known.has(id);
  }

  /** @returns the reply to a request without a turn; undefined when it needs one. The record was loaded. */
  answerTo(id: string, request: string): Reply | undefined {
    const record = this.#known.get(id);
    if (!record) return this.size >= this.#limits.bytes ? problem('idempotency-full') : undefined;
    if (record.kind === PROBLEM) return record;
    if (record.request !== request) return problem('idempotency-key-reused');
    return { kind: record.kind | REPLAYED, detail: record.detail, text: record.text };
  }

  /** The turn was taken. What a request that consumed nothing was told is not kept: a retry takes its turn. */
  add(id: string, request: string, { kind, detail, text }: Reply): void {
    if (kind !== JSON_REPLY && kind !== NO_REPLY && kind !== NUMBER_REPLY && kind !== REFUSAL) return;
    const record = { kind, detail, text, request, stored: false };
    this.#known.set(id, record);
    this.#open.push(id);
    const bytes = 2 * id.length + text.length + HEAD_BYTES;
    this.#openBytes += bytes;
    this.#size = this.size + bytes;
  }

  /** Its request has its reply. What is stored can be loaded again; what is not stays until then. */
  used(id: string): void {
    if (this.#known.get(id)?.stored !== false) this.#known.delete(id);
  }

  /** What was loaded. @param id of a record, or `SIZE_ID`. */
  remember(id: string, text: string | undefined): void {
    if (id === SIZE_ID) this.#size ??= text === undefined ? 0 : Number(text);
    else if (!this.#known.has(id)) this.#known.set(id, text === undefined ? null : recordIn(text));
  }

  /** These records have expired: the next group deletes them, and their windows. @param texts stored for `ids`. */
  expire(windows: readonly Entry[], ids: readonly string[], texts: readonly (string | undefined)[]): void {
    this.#expired = [...windows.map(({ id }) => id), ...ids].map((id) => ({ id, text: undefined }));
    this.#expiredBytes = ids.reduce((sum, id, at) => sum + recordBytes(id, texts[at]), 0);
    this.expirations += ids.length;
  }

  /** What the next group writes besides states. @param servedMs as the fence will say. */
  seal(commit: CommitId, servedMs: number): Change[] {
    if (!this.unsealed) return [];
    const name = commitText(commit);
    const changes: Change[] = [...this.#expired];
    let bytes = 0;
    for (const id of this.#open) {
      const text = textOf(this.#known.get(id) as AnswerRecord, name);
      bytes += recordBytes(id, text);
      changes.push({ id, text });
    }
    if (this.#open.length > 0) {
      const end = (Math.floor(servedMs / this.#windowMs) + 1) * this.#windowMs;
      const id = `${WINDOWS}${counted(Math.ceil(end))}/${counted(commit.version)}`;
      changes.push({ id, text: JSON.stringify(this.#open) });
    }
    this.#size = Math.max(0, this.size - this.#openBytes + bytes - this.#expiredBytes);
    changes.push({ id: SIZE_ID, text: `${this.#size}` });
    this.#sealed = this.#open;
    this.#open = [];
    this.#openBytes = 0;
    this.#expired = [];
    this.#expiredBytes = 0;
    return changes;
  }

  /** The group that was sealed is stored: a retry from now on reads the store. */
  stored(): void {
    for (const id of this.#sealed) this.#known.delete(id);
    this.#sealed = [];
  }

  /** The owner's memory is emptied. */
  drop(): void {
    this.#generation += 1;
    this.#known.clear();
    this.#size = undefined;
    this.#open = [];
    this.#openBytes = 0;
    this.#sealed = [];
    this.#expired = [];
    this.#expiredBytes = 0;
  }
}

/** Of a record in the store, and of its place in a window. */
export function recordBytes(id: string, text: string | undefined): number {
  return text === undefined ? 0 : 2 * id.length + text.length;
}

function counted(count: number): string {
  return `${count}`.padStart(COUNT_DIGITS, '0');
}

function textOf({ kind, detail, request, text }: AnswerRecord, commit: string): string {
  const head = `1 ${kind} ${detail} ${commit} ${request}`;
  return `${head} ${checkOf(head, text)} ${text}`;
}

/** A damaged record answers with a problem: whether its request took effect is not known any more. */
function recordIn(stored: string): AnswerRecord {
  try {
    return readRecord(stored);
  } catch (error) {
    return { ...problem('state-unreadable'), text: messageOf(error), request: '', stored: true };
  }
}

/** @throws WarrenError `state-unreadable`. */
function readRecord(stored: string): AnswerRecord {
  const [head = '', kind = '', detail = '', commit = '', request = '', check = ''] =
    STORED.exec(stored) ?? [];
  const text = stored.slice(head.length);
  if (head === '' || checkOf(`1 ${kind} ${detail} ${commit} ${request}`, text) !== check) {
    throw new WarrenError('state-unreadable', 'the stored answer is damaged, or not of this format');
  }
  return { kind: Number(kind), detail: Number(detail), text, request, stored: true };
}

function checkOf(head: string, text: string): string {
  return crc32(`${head} ${text}`).toString(16).padStart(8, '0');
}

function problem(code: LinkProblem): Reply {
  return { kind: PROBLEM, detail: LINK_PROBLEMS.indexOf(code), text: '' };
}
