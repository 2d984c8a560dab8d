/**
 * Answers that clients have not read completely. The rest of each body is copied, so that a slow reader delays no other. All copies together are limited. At
 * the limit the slowest reader is disconnected: the one that has had its copy for the longest. Main thread only.
 */
import { UnsentMemory } from './unsent-memory.js';

const TICK_MS = 100;
/** A reader that has taken nothing for so long is offered the rest again. */
const NUDGE_MS = 1000;
/** While memory is short, a reader that has had its copy for so long is cut. A reader that keeps up has it for a few milliseconds. */
const PATIENCE_MS = 250;

export interface SlowReader {
  /** When the client last took bytes, by `performance.now()`. */
  readonly progressAt: number;
  nudge(): void;
  /** Closes the connection and calls `release`. */
  cut(): void;
}

export interface SlowReadersOptions {
  /** Bound on all copies together. */
  readonly bytes: number;
  /** How long a reader may take nothing, in milliseconds. */
  readonly timeoutMs: number;
}

export class SlowReaders {
  readonly #memory: UnsentMemory;
  readonly #timeoutMs: number;
  readonly #tick: NodeJS.Timeout;
  /** Readers, the oldest first. */
  readonly #kept = new Map<SlowReader, { readonly copy: Uint8Array; readonly since: number }>();
  /** Bytes of the last copy: the next one will be about as large. */
  #expected = 0;
  /** Number of readers that were disconnected, for lack of time or memory. */
  cut = 0;

  constructor({ bytes, timeoutMs }: SlowReadersOptions) {
    this.#memory = new UnsentMemory(bytes);
    this.#timeoutMs = timeoutMs;
    this.#tick = setInterval(() => this.#attend(), Math.min(TICK_MS, timeoutMs));
    this.#tick.unref();
  }

  get count(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#memory.used;
  }

  get limitBytes(): number {
    return this.#memory.bytes;
  }

  /** How many more readers may be slow. Makes room for one, unless all are slow for a short time only. */
  get room(): number {
    const room = () =>
      this.#expected === 0
        ? Number.POSITIVE_INFINITY
        : Math.floor((this.#memory.bytes - this.#memory.used) / this.#expected);
    const before = performance.now() - PATIENCE_MS;
    while (room() === 0) {
      const [slowest] = this.#kept;
      if (!slowest || slowest[1].since > before) break;
      this.#cut(slowest[0]);
    }
    return room();
  }

  /** A copy of the rest of a body, until `release`; undefined when not even cutting all others makes room for it. */
  keep(reader: SlowReader, rest: Uint8Array): Uint8Array | undefined {
    this.#expected = rest.length;
    for (;;) {
      const copy = this.#memory.copy(rest);
      if (copy) {
        this.#kept.set(reader, { copy, since: performance.now() });
        return copy;
      }
      const [slowest] = this.#kept.keys();
      if (!slowest) return undefined;
      this.#cut(slowest);
    }
  }

  release(reader: SlowReader): void {
    const kept = this.#kept.get(reader);
    if (!kept) return;
    this.#kept.delete(reader);
    this.#memory.giveBack(kept.copy);
  }

  close(): void {
    clearInterval(this.#tick);
  }

  #cut(reader: SlowReader): void {
    this.cut += 1;
    reader.cut();
    this.release(reader);
  }

  #attend(): void {
    const now = performance.now();
    for (const reader of [...this.#kept.keys()]) {
      if (now - reader.progressAt >= NUDGE_MS) reader.nudge();
      if (this.#kept.has(reader) && now - reader.progressAt >= this.#timeoutMs) this.#cut(reader);
    }
  }
}
