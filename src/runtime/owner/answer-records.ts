/**
 * The records of answers to commands with an Idempotency-Key: a retry gets the answer of the first request. Owner thread only.
 *
 *   turn ──> added ──seal: part of the group's commit──> stored ──expired, after a day──> deleted
 *
 * A record belongs to an actor and an idempotency key, and is stored by the commit that stores the state. All retries pass the same mailbox, so
 * a retry that arrives while the first request waits for its commit finds the record in memory, and its reply waits for the same commit.
 *
 * Records that one group has written expire together: a window lists their ids. Their age is measured by `served` in the fence, which counts only
 * the time in which the store is served. So no record expires early on a machine whose clock is ahead.
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
  /** The shortest time for which a record is kept, in milliseconds. */
  readonly keptMs: number;
  /** The most bytes of all records in the store. */
  readonly bytes: number;
}

/** A reply as `OwnerLink.reply` takes it. */
export interface Reply {
  readonly kind: number;
  readonly detail: number;
  readonly text: string;
}

interface AnswerRecord extends Reply {
  /** The digest of the answered request: see `requestOf`. */
  readonly request: string;
  readonly stored: boolean;
}

/** Estimate of the length of a record before the text of the reply. */
const HEAD_BYTES = 60;
const COUNT_DIGITS = 15;
/** A window is this fraction of the time for which records are kept: an hour, when that is a day. */
const WINDOWS_KEPT = 24;
/** The stored text of a record: `1 kind detail commit request check text`. `check` is a CRC-32 of all the rest. */
const STORED = /^1 (\d+) (\d+) ([\d.]+) ([\w-]{22}) ([0-9a-f]{8}) /;

/** The id of a record. @param actor id of the state. @param idempotency as `OwnerLink.idempotencyAt` returns it. */
export function recordIdOf(actor: string, idempotency: string): string {
  return recordId({ actor, key: idempotency.slice(0, idempotency.indexOf(' ')) });
}

/** A digest of message, query string and body. Two requests are the same request if their digests are equal. */
export function requestOf(message: string, idempotency: string, body: string | undefined): string {
  const query = idempotency.slice(idempotency.indexOf(' '));
  return hash('sha256', `${message}${query}\n${body ?? ''}`, 'base64url').slice(0, 22);
}

export class AnswerRecords {
  readonly #limits: RecordLimits;
  readonly #windowMs: number;
  /** The records in memory, by id. Null: the store has none. */
  readonly #known = new Map<string, AnswerRecord | null>();
  /** Bytes of all records, stored ones and those that wait for their commit; undefined until the size was loaded. */
  #size: number | undefined;
  /** Ids of the records for the next group. */
  #open: string[] = [];
  #openBytes = 0;
  /** Ids of the records in the group that is being committed. */
  #sealed: string[] = [];
  /** Deletions of expired records, for the next group. */
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

  /** How many bytes of records the next group has to write. */
  get openBytes(): number {
    return this.#openBytes;
  }

  /** Whether there are changes for the next group. */
  get unsealed(): boolean {
    return this.#open.length > 0 || this.#expired.length > 0;
  }

  /** Length of a window, in milliseconds. */
  get windowMs(): number {
    return this.#windowMs;
  }

  /** Whether deletions of expired records wait for the next group. */
  get expiring(): boolean {
    return this.#expired.length > 0;
  }

  /** Grows whenever the memory is emptied. */
  get generation(): number {
    return this.#generation;
  }

  has(id: string): boolean {
    return this.#size !== undefined && this.#known.has(id);
  }

  /** @returns the reply from the record `id`, which must be in memory; undefined when the request needs a turn. */
  answerTo(id: string, request: string): Reply | undefined {
    const record = this.#known.get(id);
    if (!record) return this.size >= this.#limits.bytes ? problem('idempotency-full') : undefined;
    if (record.kind === PROBLEM) return record;
    if (record.request !== request) return problem('idempotency-key-reused');
    return { kind: record.kind | REPLAYED, detail: record.detail, text: record.text };
  }

  /** Adds the record of a turn. A problem is not recorded, since nothing was consumed: a retry takes its turn. */
  add(id: string, request: string, { kind, detail, text }: Reply): void {
    if (kind !== JSON_REPLY && kind !== NO_REPLY && kind !== NUMBER_REPLY && kind !== REFUSAL) return;
    const record = { kind, detail, text, request, stored: false };
    this.#known.set(id, record);
    this.#open.push(id);
    const bytes = 2 * id.length + text.length + HEAD_BYTES;
    this.#openBytes += bytes;
    this.#size = this.size + bytes;
  }

  /** Says that the request has its reply. A stored record leaves the memory; any other one stays until it is stored. */
  used(id: string): void {
    if (this.#known.get(id)?.stored !== false) this.#known.delete(id);
  }

  /** Adds what was loaded from the store. @param id of a record, or `SIZE_ID`. */
  remember(id: string, text: string | undefined): void {
    if (id === SIZE_ID) this.#size ??= text === undefined ? 0 : Number(text);
    else if (!this.#known.has(id)) this.#known.set(id, text === undefined ? null : recordIn(text));
  }

  /** Makes the next group delete these expired records and their windows. @param texts the stored texts of `ids`. */
  expire(windows: readonly Entry[], ids: readonly string[], texts: readonly (string | undefined)[]): void {
    this.#expired = [...windows.map(({ id }) => id), ...ids].map((id) => ({ id, text: undefined }));
    this.#expiredBytes = ids.reduce((sum, id, at) => sum + recordBytes(id, texts[at]), 0);
    this.expirations += ids.length;
  }

  /** The changes of records for the next group, which is now being committed. @param servedMs `served` of the next fence. */
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

  /** Says that the sealed group is stored. From now on a retry loads its record from the store. */
  stored(): void {
    for (const id of this.#sealed) this.#known.delete(id);
    this.#sealed = [];
  }

  /** Forgets everything, when the memory of the owner is emptied. */
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

/** Size of a stored record and of its id in a window, in bytes. */
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

/** Decodes a record. A damaged one becomes a problem, since it no longer shows whether its request took effect. */
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
