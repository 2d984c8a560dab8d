/** Settings of the library to a `Config`. The program reads the environment instead. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Config, readConfig } from './config.js';
import { WarrenError } from './errors.js';
import type { VARIABLES } from './variables.js';

/** The variables that say something about actors. */
export const SETTINGS = [
  'SERVING_HOST_PORT',
  'SERVING_TOKEN',
  'CORS_ORIGIN',
  'STORE',
  'DATA_DIR',
  'REDIS_URL',
  'REDIS_HOST_PORT',
  'REDIS_PREFIX',
  'INSTANCE_ID',
  'LEASE_MS',
  'DURABILITY',
  'MAILBOX_LIMIT',
  'CONNECTION_LIMIT',
  'SHED_AFTER_MS',
  'ASK_TIMEOUT_MS',
  'COMMIT_TIMEOUT_MS',
  'STORE_GRACE_MS',
  'BODY_LIMIT_KB',
  'STATE_LIMIT_KB',
  'REPLY_LIMIT_KB',
  'STATE_MEMORY_MB',
  'REPAIR_MEMORY_MB',
  'WATCHDOG_MS',
  'RESTART_LIMIT',
  'RESTART_WINDOW_MS',
  'SHUTDOWN_TIMEOUT_MS',
  'OWNER_HEAP_MB',
  'LOG_LEVEL',
] as const satisfies (typeof VARIABLES)[number]['name'][];

/** A process that has other things to do wants to hear of trouble alone. */
const LOG_LEVEL = 'warn';

/** @throws WarrenError `config-invalid` with every mistake. */
export function readSettings(modules: readonly (string | URL)[], settings: object): Config {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const mistakes = given
    .filter(([name]) => !SETTINGS.some((known) => known === name))
    .map(([name]) => `  - there is no setting ${name}`);
  if (modules.length === 0) mistakes.push('  - no module of actors is named');
  const urls = modules.map(urlOf);
  mistakes.push(...urls.filter((url) => !url.startsWith('file:')).map((url) => `  - ${url} is no file: URL`));
  const texts = given.map(([name, value]): [string, string] => [name, String(value)]);
  let config: Config | undefined;
  try {
    config = readConfig({ LOG_LEVEL, ...Object.fromEntries(texts) });
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    mistakes.push(error.message);
  }
  if (!config || mistakes.length > 0) throw new WarrenError('config-invalid', mistakes.join('\n'));
  return { ...config, actors: urls };
}

/** @param module a URL, or a path, which may be relative to the working directory. */
function urlOf(module: string | URL): string {
  if (module instanceof URL) return module.href;
  return /^[a-z][a-z0-9+.-]+:/i.test(module) ? new URL(module).href : pathToFileURL(resolve(module)).href;
}
