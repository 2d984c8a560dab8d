/**
 * Writes and parses the lines of an export: everything that a store holds, as one JSON object per line, in a form that any store can import.
 *
 *   {"warren":"export","format":1,"store":"5e…","commit":"0.3.17","clock":1764288000000,"served":7200000}
 *   {"window":"…/…","records":["~record/tickets/berlin 7f3a"]}
 *   {"actor":"tickets","key":"berlin","commit":"0.3.15","version":2,"state":{"next":3}}
 *   {"actor":"tickets","key":"berlin","idempotencyKey":"7f3a","commit":"0.3.15","record":"…"}
 *   {"warren":"end","lines":3}
 *
 * A state is written as in the store, with tagged bigints. A record is a string, since its numbers may have more digits than a double. A later
 * line of an actor replaces an earlier one; `"gone":true` says that it has no state any more. A text that cannot be read is exported
 * unchanged, as `damaged`.
 */
import { WarrenError } from '../../errors.js';
import { commitText, parseCommit } from '../../store/commit-id.js';
import type { Change } from '../../store/contract.js';
import type { ShardFence } from '../../store/shard-fence.js';
import { RECORDS, recordId, recordOf, WINDOWS } from '../../store/store-ids.js';
import { decodeState, stateText } from '../state-text.js';
import { readStored, writeStored } from './stored-text.js';

const FORMAT = 1;
/** Finds the commit in the text of a record: see `answer-records.ts`. */
const RECORD = /^\d+ \d+ \d+ ([\d.]{1,40}) /;

/** Matches keys that need no escape in JSON: most keys. */
const PLAIN = /^[\w.:/@ -]*$/;

export type ExportLine =
  | { readonly kind: 'header'; readonly commit: string; readonly clock: number; readonly served: number }
  /** The commit is undefined when the line names none. */
  | { readonly kind: 'entry'; readonly change: Change; readonly commit: string | undefined }
  | { readonly kind: 'end'; readonly lines: number };

export function headerLine(fence: ShardFence): string {
  const { store, clock, served } = fence;
  return `${JSON.stringify({ warren: 'export', format: FORMAT, store, commit: commitText(fence), clock, served })}\n`;
}

/** @param lines between the header and this one. */
export function endLine(lines: number): string {
  return `${JSON.stringify({ warren: 'end', lines })}\n`;
}

export function entryLine({ id, text }: Change): string {
  if (id.startsWith(WINDOWS)) return `{"window":"${id.slice(WINDOWS.length)}","records":${text}}\n`;
  const record = recordOf(id);
  if (record && text !== undefined) return recordLine(record, text);
  const whose = whoseText(id);
  if (text === undefined) return `${whose},"gone":true}\n`;
  try {
    const { version, commit, body } = readStored(text);
    return `${whose},"commit":"${commit}","version":${version},"state":${body}}\n`;
  } catch {
    return `${whose},"damaged":${JSON.stringify(text)}}\n`;
  }
}

function recordLine({ actor, key }: { actor: string; key: string }, text: string): string {
  const [, commit = ''] = RECORD.exec(text) ?? [];
  return `${whoseText(actor)},"idempotencyKey":${JSON.stringify(key)},"commit":"${commit}","record":${JSON.stringify(text)}}\n`;
}

function whoseText(id: string): string {
  const { actor, key } = splitId(id);
  return `{"actor":"${actor}","key":${PLAIN.test(key) ? `"${key}"` : JSON.stringify(key)}`;
}

/** Splits the id of a state at its first slash, since an actor's name has none. */
export function splitId(id: string): { readonly actor: string; readonly key: string } {
  const slash = id.indexOf('/');
  return { actor: id.slice(0, slash), key: id.slice(slash + 1) };
}

/** @throws Error that says what is wrong with the line. */
export function parseLine(line: string): ExportLine {
  const fields = fieldsOf(line);
  const { warren, format, commit, clock, served, lines, window, records, actor, key } = fields;
  if (warren === 'export') {
    if (format !== FORMAT) throw new Error(`it is of the format ${format}, and this version reads ${FORMAT}`);
    return {
      kind: 'header',
      commit: commitIn(commit),
      clock: countIn(clock, 'clock'),
      served: countIn(served, 'served'),
    };
  }
  if (warren === 'end') return { kind: 'end', lines: countIn(lines, 'lines') };
  if (window !== undefined) {
    if (typeof window !== 'string' || !/^\d{15}\/\d{15}$/.test(window) || !isTexts(records)) {
      throw new Error('it is no window');
    }
    return {
      kind: 'entry',
      change: { id: WINDOWS + window, text: JSON.stringify(records) },
      commit: undefined,
    };
  }
  if (typeof actor !== 'string' || typeof key !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(actor)) {
    throw new Error('it names no actor and key');
  }
  const named = typeof commit === 'string' && parseCommit(commit) ? commit : undefined;
  return { kind: 'entry', change: changeOf(`${actor}/${key}`, fields), commit: named };
}

function changeOf(id: string, fields: Record<string, unknown>): Change {
  const { idempotencyKey, commit, record, version, state, gone, damaged } = fields;
  if (idempotencyKey !== undefined) {
    if (
      typeof idempotencyKey !== 'string' ||
      !/^[!-~]{1,128}$/.test(idempotencyKey) ||
      typeof record !== 'string'
    )
      throw new Error('it is no record of an idempotency key');
    return { id: recordId({ actor: id, key: idempotencyKey }), text: record };
  }
  if (gone === true) return { id, text: undefined };
  if (typeof damaged === 'string') return { id, text: damaged };
  if (state === undefined) throw new Error('it has no state');
  const body = stateText(decodeState(JSON.stringify(state)));
  return { id, text: writeStored(countIn(version, 'version'), commitIn(commit), body) };
}

function fieldsOf(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new WarrenError('store-corrupt', 'it is no JSON', { cause });
  }
  if (typeof value !== 'object' || value === null) throw new Error('it is no object');
  return value as Record<string, unknown>;
}

function commitIn(value: unknown): string {
  if (typeof value !== 'string' || !parseCommit(value)) throw new Error('it names no commit');
  return value;
}

function countIn(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error(`its ${name} is no number`);
  return value as number;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one.startsWith(RECORDS));
}
