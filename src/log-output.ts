/**
 * Writes log lines to standard output without ever waiting. A pipe that nobody reads must not stop the main thread, and a full disk must not end the process.
 * Lines that a pipe does not take wait here, up to a limit. Lines beyond it are counted, and the count is logged when the pipe takes lines again.
 *
 * A pipe or terminal is opened a second time, since the non-blocking mode belongs to the open file, which other processes share. Lines are written by the call that
 * logs them, so none is missing when the process exits right after it.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

const MOST_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 50;
/** At the end of the process: for a reader that is only slow. */
const FLUSH_MS = 500;
const FLUSH_RETRY_MS = 10;

export class LogOutput {
  readonly #fd: number;
  readonly #lostLine: (count: number) => string;
  /** Keeps the descriptor in non-blocking mode. */
  readonly #holder: Socket | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  /** The last line was written only in part. */
  #torn = false;
  #retry: NodeJS.Timeout | undefined;

  /** @param lostLine makes the line that says how many lines were lost. */
  constructor(fd: number, lostLine: (count: number) => string) {
    this.#lostLine = lostLine;
    const { fd: opened, holder } = withoutWaiting(fd);
    this.#fd = opened;
    this.#holder = holder;
  }

  write(line: string): void {
    if (this.#waitingBytes + line.length > MOST_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    if (this.#waiting.length === 0) this.#reportLost();
    this.#push(line);
    this.#drain();
  }

  /** Waits a little for a slow reader. For the end of the process. */
  flushSync(): void {
    const giveUpAt = performance.now() + FLUSH_MS;
    const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.#drain();
    while (this.#waiting.length > 0 && performance.now() < giveUpAt) {
      Atomics.wait(pause, 0, 0, FLUSH_RETRY_MS);
      this.#drain();
    }
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#holder?.destroy();
  }

  #push(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    this.#torn = false;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #reportLost(): void {
    if (this.#lost === 0) return;
    const count = this.#lost;
    this.#lost = 0;
    this.#push(this.#lostLine(count));
    // This line may be lost as well; then it counts as the lines that it reports.
    this.#drain(count);
  }

  /** @param weight number of lines that are lost with the first one. */
  #drain(weight = 1): void {
    for (let line = this.#waiting[0]; line; line = this.#waiting[0]) {
      let written = 0;
      try {
        written = writeSync(this.#fd, line);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
          this.#retryLater();
          return;
        }
        this.#lost += weight;
        written = line.length;
      }
      this.#waitingBytes -= written;
      if (written === line.length) {
        this.#waiting.shift();
        this.#torn = false;
      } else {
        this.#waiting[0] = line.subarray(written);
        this.#torn = true;
      }
    }
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#drain();
      if (this.#waiting.length === 0) this.#reportLost();
    }, RETRY_MS).unref();
  }
}

function withoutWaiting(fd: number): { fd: number; holder?: Socket } {
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO() || kind.isCharacterDevice()) {
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      try {
        return { fd: openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY) };
      } catch {
        // Another user's pipe cannot be opened again. To change the mode of the shared one is better than to wait.
        if (kind.isCharacterDevice()) return { fd };
      }
    } else if (!kind.isSocket()) return { fd };
    // A socket puts its descriptor into non-blocking mode at once.
    const holder = new Socket({ fd, readable: false, writable: true });
    holder.on('error', () => {}).unref();
    return { fd, holder };
  } catch {
    // There is no such descriptor, or none that can be asked: each line is then lost by itself.
    return { fd };
  }
}
