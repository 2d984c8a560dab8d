/**
 * The text in which the store keeps the state of an actor.
 *
 *   {"format":1,"version":2,"check":"1f0c9a2b","state":{"next":3,"left":98}}
 *
 * `version` is the actor's, `check` a CRC-32 of the state's text: no store tells of every flipped bit.
 */
import { crc32 } from 'node:zlib';
import { WarrenError } from '../../errors.js';

const STORED = /^\{"format":1,"version":(\d{1,15}),"check":"([0-9a-f]{8})","state":/;

export interface StoredText {
  /** Of the actor that has written it. */
  readonly version: number;
  /** The state alone. */
  readonly body: string;
}

export function writeStored(version: number, body: string): string {
  return `{"format":1,"version":${version},"check":"${checkOf(body)}","state":${body}}`;
}

/** @throws WarrenError `state-unreadable` when the text is damaged, or of another format. */
export function readStored(text: string): StoredText {
  const [head = '', version = '', check = ''] = STORED.exec(text) ?? [];
  const body = text.slice(head.length, -1);
  if (head === '' || checkOf(body) !== check) {
    throw new WarrenError(
      'state-unreadable',
      `its stored state is damaged, or not of this format: ${text.slice(0, 80)}`,
    );
  }
  return { version: Number(version), body };
}

function checkOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
