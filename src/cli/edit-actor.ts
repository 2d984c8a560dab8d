/**
 * `warren set` and `warren forget`: an operator changes the state of one actor. A running server takes the change as a message of that actor. Without a
 * server the command writes to the store itself.
 */
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import { RESIDENTS } from '../residents/residents.js';
import { loadActors } from '../runtime/load-actors.js';
import { NO_COMMIT, stateFrom } from '../runtime/owner/edit.js';
import { readStored, writeStored } from '../runtime/owner/stored-text.js';
import { stateText } from '../runtime/state-text.js';
import { parseCommit } from '../store/commit-id.js';
import { withStoreToWrite } from './open-store.js';
import { checked, RunningServer } from './running-server.js';
import { takeAndChange } from './take-store.js';
import { CommandFailed, EXIT_CHANGED, EXIT_USAGE } from './usage.js';

export const EDIT_USAGE = `usage: warren set ACTOR KEY JSON [--if COMMIT]
       warren forget ACTOR KEY [--if COMMIT]

set replaces the state of an actor by JSON as warren inspect prints it (a bigint is {"$bigint":"-ff"}, hexadecimal). No code of the actor runs. forget
deletes the state. The answers under idempotency keys stay until they expire.

With --if the command does nothing and exits with 3, unless that commit was the last one of the actor; "none" means an actor without a state. When a
server runs, it takes the edit in order with the commands of the actor (ADMIN_HOST_PORT and ADMIN_TOKEN, as for the server).`;

type Environment = Record<string, string | undefined>;

interface Edit {
  readonly actor: string;
  readonly key: string;
  /** The new state; undefined to delete it. */
  readonly state: string | undefined;
  readonly expected: string | undefined;
}

export async function editActor(
  command: 'set' | 'forget',
  args: readonly string[],
  environment: Environment,
): Promise<number> {
  const edit = readEdit(command, args);
  const config = readConfig(environment);
  const { actor, key } = edit;
  if (RESIDENTS.some(({ name }) => name === actor)) {
    throw new CommandFailed(`${actor} is built in: warren set-index sets the sequence.`, EXIT_USAGE);
  }
  if (key === '' || Buffer.byteLength(key) > 256) {
    throw new CommandFailed('A key has 1 to 256 bytes.', EXIT_USAGE);
  }
  const server = await RunningServer.find(config);
  const commit = server ? await ask(server, edit) : await write(config, edit);
  console.log(JSON.stringify({ actor, key, commit, ...(edit.state === undefined ? { gone: true } : {}) }));
  return 0;
}

function readEdit(command: 'set' | 'forget', args: readonly string[]): Edit {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { if: { type: 'string' } },
  });
  const [actor = '', key = '', state] = positionals;
  const expected = values.if;
  if (positionals.length !== (command === 'set' ? 3 : 2)) {
    throw new CommandFailed(
      `${command} takes an actor, a key${command === 'set' ? ' and a state' : ''}`,
      EXIT_USAGE,
    );
  }
  if (expected !== undefined && expected !== NO_COMMIT && !parseCommit(expected)) {
    throw new CommandFailed('--if takes a commit, such as 0.3.17, or "none"', EXIT_USAGE);
  }
  return { actor, key, state, expected };
}

async function ask(server: RunningServer, { actor, key, state, expected }: Edit): Promise<string> {
  const method = state === undefined ? 'DELETE' : 'PUT';
  const answer = await server.ask(method, '/state', { actor, key, if: expected }, state);
  if (answer.body['code'] === 'misdirected') {
    throw new CommandFailed(
      `The node ${answer.body['holder']} has ${actor} ${key}: say it again with ADMIN_HOST_PORT and ADMIN_TOKEN of that node (warren nodes lists all). Nothing was done.`,
    );
  }
  if (answer.body['code'] === 'commit-changed') throw changed(String(answer.body['commit'] || 'under way'));
  return String(checked(answer, []).body['commit'] ?? '');
}

function write(config: Config, edit: Edit): Promise<string> {
  return withStoreToWrite(config, async (store) => {
    const { actor, key, state, expected } = edit;
    const id = `${actor}/${key}`;
    const shard = store.of(id);
    const { fence, texts } = await shard.load([id], Number.POSITIVE_INFINITY);
    if (!fence) throw new CommandFailed('Nothing was stored there yet: start a server on it once.');
    const [text] = texts;
    const last = text === undefined ? NO_COMMIT : storedCommit(text);
    if (expected !== undefined && expected !== last) throw changed(last || 'unknown');
    const body = state === undefined ? undefined : bodyOf(state, config);
    const version = body === undefined ? 0 : await versionOf(config, actor, text);
    return takeAndChange(shard, fence, body === undefined ? 'forget' : 'set', (commit) => [
      { id, text: body === undefined ? undefined : writeStored(version, commit, body) },
    ]);
  });
}

function bodyOf(state: string, { stateLimitBytes }: Config): string {
  try {
    return stateText(stateFrom(state, stateLimitBytes));
  } catch (error) {
    throw new CommandFailed(`${messageOf(error)}. Nothing was done.`);
  }
}

/** The module says it; without one the stored state does. */
async function versionOf({ modules }: Config, actor: string, text: string | undefined): Promise<number> {
  const definition = (await loadActors(modules)).find(({ name }) => name === actor);
  if (definition) return definition.version;
  try {
    if (text !== undefined) return readStored(text).version;
  } catch {
    // A state that cannot be read may be replaced.
  }
  throw new CommandFailed(
    `The version of ${actor} is not known: name its module in ACTORS, as for the server. Nothing was done.`,
  );
}

function storedCommit(text: string): string {
  try {
    return readStored(text).commit;
  } catch {
    return '';
  }
}

function changed(last: string): CommandFailed {
  return new CommandFailed(`Its last commit is ${last}. Nothing was done.`, EXIT_CHANGED);
}
