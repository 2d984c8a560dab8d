/**
 * Signals that end the process, from its first moment on: as PID 1 of a container a signal without a handler is lost, and
 * anywhere else it would end the process without a word. Until there is something to stop, the process just exits; then
 * `stopWith` says how. A second signal ends it at once.
 *
 * Also the end of npm: `npm start` and `npx` run the program through npm, which dies of some signals (HUP, QUIT, KILL) without
 * passing them on. An orphan would keep the port and the folder.
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
