/** `warren list`, `warren inspect ACTOR KEY` and `warren export`: the actors of a store, read beside a running server or without one. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import { withActors } from './actor-source.js';
import { CommandFailed, EXIT_USAGE } from './usage.js';

export const ACTORS_USAGE = `usage: warren list [ACTOR] [--prefix P]
       warren inspect ACTOR KEY
       warren export > FILE

What the store of this environment holds, as lines of JSON: how many actors of each kind; the keys of one kind, with the commit that wrote each; the state of
one actor; everything. A server that runs is asked (ADMIN_HOST_PORT and ADMIN_TOKEN, as for the server); otherwise the store is read.

An export has each actor with the answers that its idempotency keys have got, as of one moment; on LevelDB all of it is of one moment. Its last line is
{"warren":"end",…}; a file without it is no whole export. warren import reads it.`;

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
