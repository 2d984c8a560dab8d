/**
 * The heartbeat between two threads of a process: tells whether the other thread still runs its event loop. Each thread increments a counter in
 * shared memory, and watches the other's counter.
 *
 * Silence is counted in ticks of the watching thread, not in time. So after a SIGSTOP or a suspension of the machine, from which both threads
 * wake together, the watched thread still has all its ticks.
 */

const TICKS = 10;

export interface Heartbeat {
  /** Whether the other thread's counter has changed within the last `silenceMs`. */
  readonly alive: boolean;
  stop(): void;
}

export interface HeartbeatOptions {
  readonly words: Int32Array;
  /** Index into `words` of this thread's counter. */
  readonly own: number;
  /** Index into `words` of the other thread's counter. */
  readonly other: number;
  readonly silenceMs: number;
  /** Called when the other thread's counter has not changed for `silenceMs`; again only after a change in between. */
  readonly onSilence: () => void;
}

export function keepHeartbeat({ words, own, other, silenceMs, onSilence }: HeartbeatOptions): Heartbeat {
  let seen = Atomics.load(words, other);
  let silentTicks = 0;
  const timer = setInterval(() => {
    Atomics.add(words, own, 1);
    const now = Atomics.load(words, other);
    silentTicks = now === seen ? silentTicks + 1 : 0;
    seen = now;
    if (silentTicks === TICKS) onSilence();
  }, silenceMs / TICKS);
  // The timer must not keep the thread alive.
  timer.unref();
  return {
    get alive() {
      return silentTicks < TICKS;
    },
    stop: () => clearInterval(timer),
  };
}
