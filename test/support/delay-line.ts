/**
 * A first-in-first-out line whose items come out a given time after they went in, never before one that went in
 * earlier. Without a delay, and with nothing waiting, an item comes out at once, in the same call. While the line is held
 * nothing comes out, for however long; after that, what is due.
 */
export class DelayLine<T> {
  readonly #deliver: (item: T) => void;
  readonly #waiting: { readonly item: T; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #held = false;

  constructor(deliver: (item: T) => void) {
    this.#deliver = deliver;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(item: T, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0 && !this.#held) {
      this.#deliver(item);
      return;
    }
    this.#waiting.push({ item, dueAt: performance.now() + delayMs });
    this.#timer ??= this.#wake();
  }

  hold(on: boolean): void {
    this.#held = on;
    this.#stopTimer();
    if (!on) this.#deliverDue();
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting.length = 0;
    this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wake(): NodeJS.Timeout | null {
    const first = this.#waiting[0];
    if (first === undefined || this.#held) return null;
    // Rounded up: a timer must not find its item not yet due.
    return setTimeout(() => this.#deliverDue(), Math.max(0, Math.ceil(first.dueAt - performance.now())));
  }

  #deliverDue(): void {
    for (let first = this.#waiting[0]; first && first.dueAt <= performance.now(); first = this.#waiting[0]) {
      if (this.#held) return;
      this.#waiting.shift();
      this.#deliver(first.item);
    }
    this.#timer = this.#wake();
  }
}
