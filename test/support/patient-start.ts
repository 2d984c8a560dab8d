/**
 * A server on Redis whose commits may take long. On an empty Redis such a server waits about as long for an owner that may live,
 * so one with less patience writes the first record and hands over.
 */
import type { Scope } from './child-handle.js';
import { type ServerEnv, startWarren, type WarrenProcess } from './warren-process.js';

/** Resolves when the server serves. */
export async function startPatiently(
  scope: Scope,
  env: ServerEnv & { readonly COMMIT_TIMEOUT_MS: string },
): Promise<WarrenProcess> {
  const { COMMIT_TIMEOUT_MS } = env;
  const predecessor = await startWarren(scope, { env: { ...env, COMMIT_TIMEOUT_MS: '1000' } });
  await predecessor.waitForLog(({ msg }) => msg === 'serving');
  await predecessor.stop();
  const warren = await predecessor.again({ COMMIT_TIMEOUT_MS });
  await warren.waitForLog(({ msg }) => msg === 'ready');
  return warren;
}
