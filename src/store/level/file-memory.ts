/** Reads files into one buffer, which each file overwrites: to allocate a new buffer for each file would cost more than to read and check it. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export class FileMemory {
  #bytes = Buffer.alloc(0);

  /** The content of a file, valid until the next call. */
  read(path: string): Buffer {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(size);
      let length = 0;
      while (length < size) {
        const read = readSync(file, this.#bytes, length, size - length, length);
        if (read === 0) break;
        length += read;
      }
      return this.#bytes.subarray(0, length);
    } finally {
      closeSync(file);
    }
  }
}
