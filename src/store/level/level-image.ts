/** Everything that a database holds, of one moment, read while the owner writes on: a snapshot, and a part of it whenever one is asked for. */
import type { ClassicLevel } from 'classic-level';
import type { LateChecks } from './late-checks.js';

/** About so much is one part: its making takes the thread a millisecond. */
const PART_BYTES = 64 << 10;
const PART_ENTRIES = 500;

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
      const range = { gte: prefix, lt: after(prefix) };
      const iterator = level.iterator({
        snapshot,
        ...range,
        fillCache: false,
        highWaterMarkBytes: PART_BYTES,
      });
      try {
        for (;;) {
          const found = await iterator.nextv(PART_ENTRIES);
          const [first, last] = [found[0], found.at(-1)];
          if (!first || !last) break;
          checks.beforeUse(first[0], last[0]);
          yield { fence, found };
        }
      } finally {
        await iterator.close();
      }
    }
  } finally {
    await snapshot.close();
  }
}

/** The first key behind all that begin with it. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
