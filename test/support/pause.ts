import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 20;

/** Between two looks at what a test waits for: long enough to leave the processor to the process that is looked at. */
export const pause = (): Promise<void> => delay(PAUSE_MS);
