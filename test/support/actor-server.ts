/** The real server, serving the actors of `fixtures/counter-actor.ts`. */
import { fileURLToPath } from 'node:url';
import type { Scope } from './child-handle.js';
import { pause } from './pause.js';
import { type ServerEnv, startWarren, type WarrenProcess } from './warren-process.js';

export const ACTORS = fileURLToPath(new URL('./fixtures/counter-actor.js', import.meta.url));

/** Resolves when its owner serves. */
export async function serveCounters(scope: Scope, env: ServerEnv = {}): Promise<WarrenProcess> {
  const warren = await startWarren(scope, { env: { ACTORS, ...env } });
  await ready(warren);
  return warren;
}

/** Counters, and the sequence beside them. */
export async function serveBoth(scope: Scope, env: ServerEnv = {}): Promise<WarrenProcess> {
  return serveCounters(scope, { ...env, ACTORS: `${ACTORS},fibonacci` });
}

export async function ready(warren: WarrenProcess): Promise<void> {
  while ((await fetch(`${warren.url}/ready`)).status !== 200) await pause();
}
