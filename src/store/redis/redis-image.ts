/**
 * Reads everything that Redis holds of a shard, for exports and backups, by many small scripts while the owner goes on writing.
 *
 * One script reads the state and the records of an actor, so these belong to one moment; two actors may belong to two moments. The order:
 * 1. The windows, so that the window of a record is read before the record.
 * 2. The states, each with the records of its actor. HSCAN returns every state that exists during the whole scan.
 * 3. The actors that HSCAN may have missed: those written meanwhile, and those with records but no state. Windows name them.
 */
import type { Change, Entry, Scanned } from '../contract.js';
import { isState, RECORDS, recordOf } from '../store-ids.js';
import type { Client, CommandInfo, Fields } from './redis-connection.js';
import type { RedisKeys } from './redis-keys.js';
import { READ_ACTORS, READ_THESE } from './scripts.js';

/** About the size of a part, in characters. */
const PART_LENGTH = 100_000;
const MOST_ENTRIES = 500;
const FIRST_ENTRIES = 50;

export interface ImageSource {
  readonly keys: RedisKeys;
  readonly run: <T>(info: CommandInfo, send: (client: Client) => Promise<T>) => Promise<T>;
  readonly scanWindows: (after: string | undefined, limit: number) => Promise<Scanned>;
  /** Reads the version of the fence. */
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

/** Windows of groups up to `version`. Later ones are left out, so that this ends although new groups are committed all the time. */
async function* windowsUntil(source: ImageSource, version: number): AsyncGenerator<readonly Entry[]> {
  for await (const windows of windowsOf(source)) {
    const known = windows.filter(({ id }) => versionOf(id) <= version);
    yield known;
    // Windows are sorted by their groups, so only later ones follow.
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

async function* statesOf({ keys, run }: ImageSource): AsyncGenerator<readonly Change[]> {
  const info = { commands: READ_ACTORS.commands, keys: [keys.actors] };
  let cursor = '0';
  let count = FIRST_ENTRIES;
  do {
    const [next, states, records] = await run(info, (client) =>
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

/** How many entries to read next. HSCAN has no bound in bytes, so it is estimated from the sizes of the last part. */
function countFor(part: readonly Change[], count: number): number {
  let length = 1;
  for (const { id, text = '' } of part) length += id.length + text.length;
  const fitting = Math.floor((count * PART_LENGTH) / length);
  return Math.max(1, Math.min(fitting, 2 * count, MOST_ENTRIES));
}

/** The actors that these windows name: all of those in the `late` windows, and of the others those that have no state. */
async function* actorsOf(
  { keys, run }: ImageSource,
  windows: readonly Entry[],
  late: readonly Entry[],
): AsyncGenerator<readonly Change[]> {
  const changed = new Set(late.flatMap(actorsIn));
  const actors = [...new Set(windows.flatMap(actorsIn))];
  const info = { commands: READ_THESE.commands, keys: [keys.actors] };
  for (let at = 0; at < actors.length; at += FIRST_ENTRIES) {
    const some = actors.slice(at, at + FIRST_ENTRIES);
    const hashes = some.map((id) => keys.records + id);
    const found = await run(info, (client) =>
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
