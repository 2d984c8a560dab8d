/** The changes that an import writes with one commit. When two lines have the same id, the later line counts. */
import { recordBytes } from '../runtime/owner/answer-records.js';
import type { ActorStore, Change } from '../store/contract.js';
import { recordOf, WINDOWS } from '../store/store-ids.js';

const ENTRIES = 1_000;
const LENGTH = 1 << 20;
/** Windows of the import itself: before all others. */
const OWN_WINDOWS = `${WINDOWS}${'0'.repeat(15)}/`;

export class ImportBatch {
  readonly #number: number;
  readonly #changes = new Map<string, string | undefined>();
  #length = 0;

  constructor(number = 0) {
    this.#number = number;
  }

  add({ id, text }: Change): void {
    this.#changes.set(id, text);
    this.#length += id.length + (text?.length ?? 0);
  }

  get full(): boolean {
    return this.#changes.size >= ENTRIES || this.#length >= LENGTH;
  }

  next(): ImportBatch {
    return new ImportBatch(this.#number + 1);
  }

  /** @returns the changes, and by how much the bytes of all records grow. */
  async seal(store: ActorStore): Promise<{ readonly changes: readonly Change[]; readonly growth: number }> {
    const changes = Array.from(this.#changes, ([id, text]): Change => ({ id, text }));
    const records = changes.filter(({ id }) => recordOf(id));
    if (records.length === 0) return { changes, growth: 0 };
    const ids = records.map(({ id }) => id);
    const { texts } = await store.load(ids, Number.MAX_SAFE_INTEGER);
    const growth = records.reduce(
      (sum, { id, text }, at) => sum + recordBytes(id, text) - recordBytes(id, texts[at]),
      0,
    );
    return { changes: [...changes, { id: windowId(this.#number), text: JSON.stringify(ids) }], growth };
  }

  /** Takes the windows of all batches before this one away. */
  *leftovers(): Iterable<Change[]> {
    for (let from = 0; from < this.#number; from += ENTRIES) {
      const count = Math.min(ENTRIES, this.#number - from);
      yield Array.from({ length: count }, (_, at) => ({ id: windowId(from + at), text: undefined }));
    }
  }
}

function windowId(number: number): string {
  return OWN_WINDOWS + String(number).padStart(15, '0');
}
