/** Several instances of the server on one Redis, for the tests of which of them owns the store. */
import type { Scope } from '../support/child-handle.js';
import { freePort } from '../support/free-port.js';
import { get, type HttpAnswer } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { type ServerEnv, startWarren, type WarrenProcess } from '../support/warren-process.js';

export async function startInstance(
  scope: Scope,
  id: string,
  redisUrl: string,
  env: ServerEnv = {},
): Promise<WarrenProcess> {
  // A chosen port: one from the kernel might be given away while the instance is down.
  const address = `127.0.0.1:${await freePort()}`;
  const names = { STORE: 'redis', REDIS_URL: redisUrl, INSTANCE_ID: id, SERVING_HOST_PORT: address };
  return startWarren(scope, { env: { ...names, LEASE_MS: '1000', FAULTS: 'on', ...env } });
}

/** The epochs that this process has served in, by its own words. */
export function epochsOf(warren: WarrenProcess): number[] {
  const epochs = warren.logs.filter(({ msg }) => msg === 'serving').map((line) => Number(line['epoch']));
  return [...new Set(epochs)];
}

export async function serving(warren: WarrenProcess, withinMs = 60_000): Promise<void> {
  await warren.waitForLog(({ msg }) => msg === 'serving', withinMs);
}

export async function standingBy(warren: WarrenProcess, withinMs = 60_000): Promise<string> {
  const line = await warren.waitForLog(({ msg }) => msg === 'standing by', withinMs);
  return String(line['reason']);
}

export function next(warren: WarrenProcess): Promise<HttpAnswer> {
  return get(warren.url, '/next', { method: 'POST' });
}

/** The first of the instances that hands out numbers; rejects when none does in time. */
export async function ownerOf(
  instances: () => readonly WarrenProcess[],
  withinMs: number,
): Promise<WarrenProcess> {
  const giveUpAt = performance.now() + withinMs;
  while (performance.now() < giveUpAt) {
    for (const instance of instances()) {
      const ready = await get(instance.url, '/ready', { timeoutMs: 2_000 }).catch(() => undefined);
      if (ready?.status === 200) return instance;
    }
    await pause();
  }
  const logs = instances().map(({ output }) => output.slice(-2_000));
  throw new Error(`nobody serves after ${withinMs} ms:\n${logs.join('\n---\n')}`);
}
