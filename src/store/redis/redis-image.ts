/**
 * Everything that Redis holds of a store, read by many small scripts while others write. One script reads the state and the records of an actor, so they
 * are of one moment; two actors are not. First come the windows, so that what is written down of a record's end is there before the record; then the states,
 * with the records of each. HSCAN brings every state that was there all the time. What it may have missed are actors that came
 * meanwhile, and those that have records and no state: the windows name them.
 */
import type { Change, Entry, Scanned } from '../contract.js';
import { isState, RECORDS, recordOf } from '../store-ids.js';
import type { Client, Fields, Request } from './redis-connection.js';
import type { RedisKeys } from './redis-keys.js';
import { READ_ACTORS, READ_THESE } from './scripts.js';

/** A part is to have about so many characters. */
const PART_LENGTH = 100_000;
const MOST_ENTRIES = 500;
const FIRST_ENTRIES = 50;

export interface ImageSource {
  readonly keys: RedisKeys;
  readonly ask: <T>(request: Request, send: (client: Client) => Promise<T>) => Promise<T>;
  readonly scanWindows: (after: string | undefined, limit: number) => Promise<Scanned>;
  /** The version of the fence, now. */
  readonly version: () => Promise<number>;
}

export async function* partsOf(source: ImageSource): AsyncGenerator<readonly Change[]> {
  const begun = await source.version();
  yield* windowsOf(source);
  yield* statesOf(source);
  for await (const windows of windowsUntil(source, await source.version())) {
    yield* actorsOf(
      source,
      windows,
      windows.filter(({ id }) => versionOf(id) > begun),
    );
  }
  for await (const windows of windowsUntil(source, await source.version())) {
    yield windows.filter(({ id }) => versionOf(id) > begun);
  }
}

/** Those of later groups are left out, also when new ones come all the time. */
async function* windowsUntil(source: ImageSource, version: number): AsyncGenerator<readonly Entry[]> {
  for await (const windows of windowsOf(source)) {
    const known = windows.filter(({ id }) => versionOf(id) <= version);
    yield known;
    // They stand in the order of their groups.
    if (known.length === 0) return;
  }
}

async function* windowsOf({ scanWindows }: ImageSource): AsyncGenerator<readonly Entry[]> {
  let after: string | undefined;
  do {
    const { entries, next } = await scanWindows(after, MOST_ENTRIES);
    yield entries;
    after = next;
  } while (after !== undefined);
}

async function* statesOf({ keys, ask }: ImageSource): AsyncGenerator<readonly Change[]> {
  const request = { commands: READ_ACTORS.commands, keys: [keys.actors] };
  let cursor = '0';
  let count = FIRST_ENTRIES;
  do {
    const [next, states, records] = await ask(request, (client) =>
      client.readActors(keys.actors, cursor, count, keys.records),
    );
    const part: Change[] = [];
    for (let at = 0; at < records.length; at++) {
      const [id = '', text = ''] = states.slice(2 * at, 2 * at + 2);
      if (isState(id)) part.push({ id, text }, ...recordsOf(id, records[at] ?? []));
    }
    yield part;
    count = countFor(part, count);
    cursor = next;
  } while (cursor !== '0');
}

/** HSCAN knows no bound in bytes: the next part has as many entries as fit, by the sizes of this one. */
function countFor(part: readonly Change[], count: number): number {
  let length = 1;
  for (const { id, text = '' } of part) length += id.length + text.length;
  const fitting = Math.floor((count * PART_LENGTH) / length);
  return Math.max(1, Math.min(fitting, 2 * count, MOST_ENTRIES));
}

/** The actors that these windows name: of the late ones all, of the others those that have no state. */
async function* actorsOf(
  { keys, ask }: ImageSource,
  windows: readonly Entry[],
  late: readonly Entry[],
): AsyncGenerator<readonly Change[]> {
  const changed = new Set(late.flatMap(actorsIn));
  const actors = [...new Set(windows.flatMap(actorsIn))];
  const request = { commands: READ_THESE.commands, keys: [keys.actors] };
  for (let at = 0; at < actors.length; at += FIRST_ENTRIES) {
    const some = actors.slice(at, at + FIRST_ENTRIES);
    const hashes = some.map((id) => keys.records + id);
    const found = await ask(request, (client) =>
      client.readThese(1 + some.length, keys.actors, ...hashes, ...some),
    );
    yield found.flatMap(([text, records], place): Change[] => {
      const id = some[place] as string;
      if (text !== null && !changed.has(id)) return [];
      return [{ id, text: text ?? undefined }, ...recordsOf(id, records)];
    });
  }
}

function actorsIn({ text }: Entry): string[] {
  const ids: string[] = JSON.parse(text);
  return ids.flatMap((id) => recordOf(id)?.actor ?? []);
}

function recordsOf(actor: string, fields: Fields): Entry[] {
  const records = [];
  for (let at = 0; at < fields.length; at += 2) {
    const [key = '', text = ''] = fields.slice(at, at + 2);
    records.push({ id: `${RECORDS}${actor} ${key}`, text });
  }
  return records;
}

function versionOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('/') + 1));
}
