/** Reads everything that a database holds, as of one moment, while the owner goes on writing: it reads a snapshot of LevelDB part by part. */
import type { ClassicLevel } from 'classic-level';
import type { LateChecks } from './late-checks.js';

/** About the size of a part. Reading it takes the thread less than a millisecond. */
const PART_BYTES = 32 << 10;
const PART_ENTRIES = 250;

export interface ImageSource {
  readonly level: ClassicLevel;
  readonly checks: LateChecks;
}

export interface RawPart {
  /** The stored text of the fence. */
  readonly fence: string | undefined;
  readonly found: readonly (readonly [key: string, text: string])[];
}

/**
 * @param prefixes of the keys to read, in this order. Each ends in an ASCII character.
 * @throws what the library throws, and WarrenError `store-corrupt`.
 */
export async function* rawParts(
  { level, checks }: ImageSource,
  fenceKey: string,
  prefixes: readonly string[],
): AsyncGenerator<RawPart> {
  const snapshot = level.snapshot();
  try {
    const fence = level.getSync(fenceKey, { snapshot });
    yield { fence, found: [] };
    for (const prefix of prefixes) {
      for (let from: object = { gte: prefix }; ; ) {
        const found = await read(level, { snapshot, ...from, lt: after(prefix) });
        const [first, last] = [found[0], found.at(-1)];
        if (!first || !last) break;
        checks.beforeUse(first[0], last[0]);
        yield { fence, found };
        from = { gt: last[0] };
      }
    }
  } finally {
    await snapshot.close();
  }
}

/** Reads one part with an iterator of its own. An iterator keeps all files that existed when it was made; a snapshot does not. */
async function read(level: ClassicLevel, range: object): Promise<[string, string][]> {
  const iterator = level.iterator({ ...range, fillCache: false, highWaterMarkBytes: PART_BYTES });
  try {
    return await iterator.nextv(PART_ENTRIES);
  } finally {
    await iterator.close();
  }
}

/** The first key after all keys with this prefix. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
