/**
 * Tells whether another thread of this process still turns its event loop. Each side beats a counter in shared
 * memory, and watches the other's.
 *
 * Silence is measured in ticks of the watcher, not in time: after a suspended machine or a SIGSTOP both threads wake
 * up together, and the watched one gets its full number of ticks to show itself.
 */

const TICKS = 10;

export interface Pulse {
  /** Whether the other side has beaten within the last `silenceMs`, as far as this side could see. */
  readonly alive: boolean;
  stop(): void;
}

export interface PulseOptions {
  readonly words: Int32Array;
  /** Indexes into `words`. */
  readonly own: number;
  readonly other: number;
  readonly silenceMs: number;
  /** Called once, when the other side has been silent for `silenceMs`. */
  readonly onSilence: () => void;
}

export function keepPulse({ words, own, other, silenceMs, onSilence }: PulseOptions): Pulse {
  let seen = Atomics.load(words, other);
  let silentTicks = 0;
  const timer = setInterval(() => {
    Atomics.add(words, own, 1);
    const now = Atomics.load(words, other);
    silentTicks = now === seen ? silentTicks + 1 : 0;
    seen = now;
    if (silentTicks === TICKS) onSilence();
  }, silenceMs / TICKS);
  // A pulse alone keeps no thread alive.
  timer.unref();
  return {
    get alive() {
      return silentTicks < TICKS;
    },
    stop: () => clearInterval(timer),
  };
}
