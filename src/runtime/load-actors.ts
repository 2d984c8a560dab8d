/** Loads the modules with the users' actors. The main thread and each owner thread do this, and number the messages in the same order. */
import { fileURLToPath } from 'node:url';
import { messageOf, WarrenError } from '../errors.js';
import { type ActorModule, checkDefinitions, type Definition } from './definition.js';

/**
 * @param urls file: URLs.
 * @throws WarrenError `actor-invalid` with every mistake of every module.
 */
export async function loadActors(urls: readonly string[]): Promise<Definition[]> {
  const modules: ActorModule[] = [];
  for (const url of urls) {
    const place = fileURLToPath(url);
    let module: { default?: unknown };
    try {
      module = await import(url);
    } catch (cause) {
      throw new WarrenError('actor-invalid', `${place} cannot be loaded: ${reasonOf(cause)}`, { cause });
    }
    modules.push({ place, exported: module.default });
  }
  return checkDefinitions(modules);
}

function reasonOf(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException)?.code !== 'ERR_UNKNOWN_FILE_EXTENSION') return messageOf(cause);
  return `Node ${process.versions.node} loads no TypeScript. Use Node 22.18 or later, or give the compiled .js file`;
}
