/**
 * Checks those tables of a large database that were not checked when it was opened, so that the start of a large database does not take long. A
 * table is compared with its checksums before the first read of a key that it may contain, or otherwise some time later. Owner thread only.
 *
 * A table that LevelDB has merged into another one meanwhile is not checked any more.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileMemory } from './file-memory.js';
import { checkTableFile } from './level-files.js';
import type { Table } from './manifest.js';

/** Pause between two tables that no read needs. Checking one table takes some milliseconds. */
const PAUSE_MS = 50;

export class LateChecks {
  readonly #folder: string;
  readonly #left: Map<string, Table>;
  readonly #memory = new FileMemory();
  readonly #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  /** @param left the tables that are not checked yet. */
  constructor(folder: string, left: Map<string, Table>) {
    this.#folder = folder;
    this.#left = left;
    if (left.size > 0) this.#timer = setInterval(() => this.#checkOne(), PAUSE_MS).unref();
  }

  /** Checks the tables that may contain these keys. Called before a read. @throws WarrenError `store-corrupt`; after the first damage at every call. */
  beforeRead(keys: readonly string[]): void {
    if (this.#left.size > 0) {
      const sought = keys.map((key) => Buffer.from(key));
      for (const [name, table] of this.#left) {
        const may = sought.some((key) => table.first.compare(key) <= 0 && table.last.compare(key) >= 0);
        if (may) this.#check(name, table);
      }
    }
    this.assertIntact();
  }

  /** Checks the tables that may contain keys of this range. Called after reading it, before the result is used. Throws as `beforeRead`. */
  beforeUse(first: string, last: string): void {
    if (this.#left.size > 0) {
      const [from, to] = [Buffer.from(first), Buffer.from(last)];
      for (const [name, table] of this.#left) {
        if (table.first.compare(to) <= 0 && table.last.compare(from) >= 0) this.#check(name, table);
      }
    }
    this.assertIntact();
  }

  /** @throws WarrenError `store-corrupt` when damage was found. */
  assertIntact(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #checkOne(): void {
    for (const [name, table] of this.#left) {
      this.#check(name, table);
      break;
    }
    if (this.#left.size === 0) this.stop();
  }

  #check(name: string, table: Table): void {
    this.#left.delete(name);
    try {
      checkTableFile(this.#folder, name, table, this.#memory);
    } catch (error) {
      // LevelDB removes a table that it has merged.
      if (existsSync(join(this.#folder, name))) this.#failure ??= error;
    }
  }
}
