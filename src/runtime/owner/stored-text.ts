/**
 * Encodes and decodes the text in which a store keeps the state of an actor.
 *
 *   {"format":2,"version":2,"commit":"0.3.17","check":"1f0c9a2b","state":{"next":3,"left":98}}
 *
 * `version` is that of the actor, `commit` names the commit that wrote the text, and `check` is a CRC-32 of version, commit and state, since
 * no store detects every flipped bit.
 */
import { crc32 } from 'node:zlib';
import { WarrenError } from '../../errors.js';

const STORED = /^\{"format":2,"version":(\d{1,15}),"commit":"([\d.]{1,40})","check":"([0-9a-f]{8})","state":/;

export interface StoredText {
  /** Version of the actor that wrote it. */
  readonly version: number;
  /** The commit that wrote it, as in `commit-id.ts`. */
  readonly commit: string;
  /** The text of the state alone. */
  readonly body: string;
}

export function writeStored(version: number, commit: string, body: string): string {
  return `{"format":2,"version":${version},"commit":"${commit}","check":"${checkOf(version, commit, body)}","state":${body}}`;
}

/** @throws WarrenError `state-unreadable` when the text is damaged, or of another format. */
export function readStored(text: string): StoredText {
  const [head = '', version = '', commit = '', check = ''] = STORED.exec(text) ?? [];
  const body = text.slice(head.length, -1);
  if (head === '' || checkOf(Number(version), commit, body) !== check) {
    throw new WarrenError(
      'state-unreadable',
      `its stored state is damaged, or not of this format: ${text.slice(0, 80)}`,
    );
  }
  return { version: Number(version), commit, body };
}

function checkOf(version: number, commit: string, body: string): string {
  return crc32(body, crc32(`${version} ${commit}`))
    .toString(16)
    .padStart(8, '0');
}
