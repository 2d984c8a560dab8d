/**
 * The log of a child process as parsed lines, and a way to wait for one. Standard output is split into lines; a line
 * that is not a JSON object (a usage text, a crash of Node itself) is kept as `{ raw }`. Of a long log only the
 * beginning and the end are kept. A waiter is told of the child's end, so that no test waits for a line that cannot come.
 */
import type { ChildHandle } from './child-handle.js';

const KEPT_LINES = 20_000;
/** What a start logs, its address above all, is never dropped. */
const KEPT_FIRST_LINES = 200;

export interface LogLine {
  readonly msg?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
  /** A line that is no JSON object, as it came. */
  readonly raw?: string;
  readonly [field: string]: unknown;
}

interface Waiter {
  readonly fits: (line: LogLine) => boolean;
  readonly settle: (result: LogLine | Error) => void;
}

export class LogTail {
  readonly #child: ChildHandle;
  readonly #lines: LogLine[] = [];
  readonly #waiters = new Set<Waiter>();
  #unfinished = '';

  constructor(child: ChildHandle) {
    this.#child = child;
    child.onStdout((chunk) => this.#take(chunk));
    child.exited.then(({ code, signal }) => {
      for (const { settle } of this.#waiters) {
        settle(this.#failure(`the process ended (code ${code}, signal ${signal})`));
      }
    });
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  async waitFor(fits: (line: LogLine) => boolean, withinMs: number): Promise<LogLine> {
    const known = this.#lines.find(fits);
    if (known !== undefined) return known;
    if (!this.#child.running) throw this.#failure('the process has ended');
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        fits,
        settle: (result) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      const timer = setTimeout(() => waiter.settle(this.#failure(`waited for ${withinMs} ms`)), withinMs);
      this.#waiters.add(waiter);
    });
  }

  #take(chunk: string): void {
    const parts = (this.#unfinished + chunk).split('\n');
    this.#unfinished = parts.pop() ?? '';
    for (const text of parts) {
      if (text === '') continue;
      const line = parse(text);
      this.#lines.push(line);
      for (const waiter of this.#waiters) if (waiter.fits(line)) waiter.settle(line);
    }
    const surplus = this.#lines.length - KEPT_LINES;
    if (surplus > 0) this.#lines.splice(KEPT_FIRST_LINES, surplus);
  }

  #failure(what: string): Error {
    return new Error(`${what}, and the awaited line never came; the output:\n${this.#child.output}`);
  }
}

function parse(text: string): LogLine {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as LogLine;
  } catch {
    // Not JSON: kept as it is.
  }
  return { raw: text };
}
