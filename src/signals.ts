/**
 * Handles signals that end the process, from its first moment on. As PID 1 of a container the process would ignore a signal without a handler; elsewhere the signal would
 * kill it. Until something runs that must be stopped, the process just exits. After that `stopWith` says what to do. A second signal ends the process at once.
 *
 * It also notices the end of npm: `npm start` and `npx` run the program through npm, which dies of some signals (HUP, QUIT, KILL) without passing them on. The
 * orphan would keep the port and the folder.
 */

const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
/** What npm says it runs, for `npm start` and for `npx warren serve`. */
const NPM_EVENTS: readonly unknown[] = ['start', 'npx'];
const PARENT_MS = 250;

let stop: (cause: string) => void = () => process.exit(0);
let stopping = false;

/** Called once, before anything else is loaded. */
export function obeyEndingSignals(): void {
  for (const signal of ENDING) process.on(signal, () => end(signal));
  if (!NPM_EVENTS.includes(process.env['npm_lifecycle_event'])) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end('the end of npm');
  }, PARENT_MS);
  timer.unref();
}

/** From here on there is something to stop. @param how is called once, and ends the process. */
export function stopWith(how: (cause: string) => void): void {
  stop = how;
}

function end(cause: string): void {
  if (stopping) process.exit(1);
  stopping = true;
  stop(cause);
}
