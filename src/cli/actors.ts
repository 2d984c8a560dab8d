/** `warren list`, `warren inspect ACTOR KEY` and `warren export`: print the actors of a store, with or without a running server. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import { withActors } from './actor-source.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

export const ACTORS_USAGE = `usage: warren list [ACTOR] [--prefix P]
       warren inspect ACTOR KEY
       warren export > FILE

list prints the actors of the store with their number of keys, or the keys of one actor with the commit that wrote each. inspect prints one state.
export prints everything. Each line is JSON. The store is the one that the environment names. When a server runs, the command asks it, with
ADMIN_HOST_PORT and ADMIN_TOKEN as for the server; otherwise it reads the store itself.

An export has each actor together with the answers under its idempotency keys, as of one moment. On LevelDB all actors are of one moment. The last
line is {"warren":"end",…}; a file without it is incomplete. warren import reads such a file.`;

type Environment = Record<string, string | undefined>;

export async function list(args: readonly string[], environment: Environment): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { prefix: { type: 'string', default: '' } },
  });
  const [actor] = positionals;
  if (positionals.length > 1 || (actor === undefined && values.prefix !== '')) {
    throw new CommandFailed('list takes one actor at the most, and a prefix of its keys', EXIT_USAGE);
  }
  await withActors(readConfig(environment), async (source) => {
    if (actor === undefined) {
      for (const counted of await source.counts()) await print(`${JSON.stringify(counted)}\n`);
      return;
    }
    let after: string | undefined;
    do {
      const { actors, next } = await source.list(actor, values.prefix, after);
      await print(actors.map((one) => `${JSON.stringify({ actor, ...one })}\n`).join(''));
      after = next;
    } while (after !== undefined);
  });
  return 0;
}

export async function inspectActor(args: readonly string[], environment: Environment): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  const [actor = '', key = ''] = positionals;
  if (positionals.length !== 2)
    throw new CommandFailed('inspect takes an actor and a key, or nothing', EXIT_USAGE);
  return withActors(readConfig(environment), async (source) => {
    const state = await source.state(actor, key);
    if (!state) throw new CommandFailed(`${actor} ${key} has no state.`);
    console.log(JSON.stringify(state, null, 2));
    return 0;
  });
}

export async function exportAll(args: readonly string[], environment: Environment): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  await withActors(readConfig(environment), async (source) => {
    for await (const part of source.export()) await print(part);
  });
  return 0;
}

let broken: unknown;
process.stdout.on('error', (error) => {
  broken = error;
});

/** Waits for a reader that is slower. @throws CommandFailed when it is gone. */
async function print(piece: string | Uint8Array): Promise<void> {
  if (!broken && process.stdout.write(piece)) return;
  if (!broken) await once(process.stdout, 'drain').catch(() => {});
  if (broken) throw new CommandFailed(`Standard output: ${messageOf(broken)}`);
}
