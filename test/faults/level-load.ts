/**
 * Loads the sequences of many data folders in a child process, since native code that trusts a damaged file would end the
 * process that opens it. Run by itself with folders as arguments, this file is that child.
 */
import { fileURLToPath } from 'node:url';
import { WarrenError } from '../../src/errors.js';
import { SEQUENCE_ID, storedIndex } from '../../src/residents/fibonacci/behavior.js';
import { LevelActorStore } from '../../src/store/level/level-actor-store.js';
import { ChildHandle, type Scope } from '../support/child-handle.js';

const FILE = fileURLToPath(import.meta.url);

/** The stored index, null for none; or the code of the refusal. */
export type LoadOutcome = { readonly state: number | null } | { readonly refused: string };

/** @throws when the child crashed, with the folder that did it. */
export async function loadEach(scope: Scope, folders: readonly string[]): Promise<LoadOutcome[]> {
  const child = await ChildHandle.spawn({ command: process.execPath, args: [FILE, ...folders], env: {} });
  scope.teardown(async () => void (await child.end()));
  const { code, signal } = await child.exited;
  const outcomes = child.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LoadOutcome);
  if (code === 0 && outcomes.length === folders.length) return outcomes;
  throw new Error(
    `code ${code}, signal ${signal} at ${folders[outcomes.length]}:\n${child.output.slice(-2_000)}`,
  );
}

async function load(folder: string): Promise<LoadOutcome> {
  const store = new LevelActorStore(folder);
  try {
    const [text] = (await store.load([SEQUENCE_ID], Number.POSITIVE_INFINITY)).texts;
    return { state: text === undefined ? null : storedIndex(text) };
  } catch (error) {
    if (error instanceof WarrenError && error.code === 'store-corrupt') return { refused: error.code };
    throw error;
  } finally {
    await store.close();
  }
}

if (process.argv[1] === FILE) {
  for (const folder of process.argv.slice(2)) console.log(JSON.stringify(await load(folder)));
}
