/** The last events of the process (serving, standby, owner died, …), for the live page. Main thread only. */

export interface LoggedEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind:
    | 'serving'
    | 'standby'
    | 'away'
    | 'halted'
    | 'nodes'
    | 'died'
    | 'poisoned'
    | 'fault'
    | 'stopping'
    | 'fatal'
    | 'started';
  readonly text: string;
}

const KEPT_ENTRIES = 100;

export class EventLog {
  readonly #entries: LoggedEvent[] = [];
  readonly #listeners = new Set<(entry: LoggedEvent) => void>();

  get entries(): readonly LoggedEvent[] {
    return this.#entries;
  }

  add(kind: LoggedEvent['kind'], text: string): void {
    const entry = { at: Date.now(), kind, text };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT_ENTRIES) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  onEntry(listener: (entry: LoggedEvent) => void): void {
    this.#listeners.add(listener);
  }
}
