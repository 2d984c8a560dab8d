/** Reads everything that a database holds, as of one moment, while the owner writes on: a snapshot, read part by part. */
import type { ClassicLevel } from 'classic-level';
import type { LateChecks } from './late-checks.js';

/** About so much is one part: its making takes the thread less than a millisecond. */
const PART_BYTES = 32 << 10;
const PART_ENTRIES = 250;

export interface ImageSource {
  readonly level: ClassicLevel;
  readonly checks: LateChecks;
}

export interface RawPart {
  /** Under the key of the fence. */
  readonly fence: string | undefined;
  readonly found: readonly (readonly [key: string, text: string])[];
}

/**
 * @param prefixes of the keys, in the order in which they are wanted. Each ends in an ASCII character.
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

/** An iterator keeps all files of its time, and their pages in memory, while the owner writes others; a snapshot does not. So each lives for one part. */
async function read(level: ClassicLevel, range: object): Promise<[string, string][]> {
  const iterator = level.iterator({ ...range, fillCache: false, highWaterMarkBytes: PART_BYTES });
  try {
    return await iterator.nextv(PART_ENTRIES);
  } finally {
    await iterator.close();
  }
}

/** The first key behind all that begin with it. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
