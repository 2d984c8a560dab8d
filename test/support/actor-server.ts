/** The real server, serving the actors of `fixtures/counter-actor.ts`. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Scope } from './child-handle.js';
import { type ServerEnv, startWarren, type WarrenProcess } from './warren-process.js';

const ACTORS = fileURLToPath(new URL('./fixtures/counter-actor.js', import.meta.url));

/** Resolves when its owner serves. */
export async function serveCounters(scope: Scope, env: ServerEnv = {}): Promise<WarrenProcess> {
  const warren = await startWarren(scope, { env: { ACTORS, ...env } });
  await ready(warren);
  return warren;
}

export async function ready(warren: WarrenProcess): Promise<void> {
  while ((await fetch(`${warren.url}/ready`)).status !== 200) await delay(20);
}
