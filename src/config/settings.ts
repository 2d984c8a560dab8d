/** Turns the settings of the library into a `Config`. The program reads the environment instead. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WarrenError } from '../errors.js';
import { type Config, readConfig } from './config.js';
import { type SettingName, VARIABLE_NAMES, VARIABLES } from './variables.js';

/**
 * The settings that `serve` takes. Names, values and defaults are those of the environment variables in `docs/configuration.md`, with two
 * exceptions: `LOG_LEVEL` is `warn` by default, and there is no live page.
 */
export type Settings = { readonly [Name in SettingName]?: string | number };

/** The host process has a log of its own, so only trouble is logged. */
const LOG_LEVEL = 'warn';

const NAMES: ReadonlySet<string> = new Set(VARIABLE_NAMES.filter((name) => 'setting' in VARIABLES[name]));

/** @throws WarrenError `config-invalid` with every mistake. */
export function readSettings(modules: readonly (string | URL)[], settings: object): Config {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const mistakes = given
    .filter(([name]) => !NAMES.has(name))
    .map(([name]) => `  - there is no setting ${name}`);
  if (modules.length === 0) mistakes.push('  - no module of actors is named');
  const urls = modules.map(urlOf);
  mistakes.push(...urls.filter((url) => !url.startsWith('file:')).map((url) => `  - ${url} is no file: URL`));
  const texts = given.map(([name, value]): [string, string] => [name, String(value)]);
  let config: Config | undefined;
  try {
    config = readConfig({ LOG_LEVEL, ADMIN_HOST_PORT: '', ...Object.fromEntries(texts) });
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    mistakes.push(error.message);
  }
  if (!config || mistakes.length > 0) throw new WarrenError('config-invalid', mistakes.join('\n'));
  return { ...config, modules: urls, residents: [] };
}

/** @param module a URL, or a path, which may be relative to the working directory. */
function urlOf(module: string | URL): string {
  if (module instanceof URL) return module.href;
  return /^[a-z][a-z0-9+.-]+:/i.test(module) ? new URL(module).href : pathToFileURL(resolve(module)).href;
}
