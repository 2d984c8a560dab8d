/** The command line of the race. */
import { parseArgs } from 'node:util';

export interface RaceArguments {
  /** Ids of contestants; all when it is empty. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Of each timed run. */
  readonly seconds: number;
  /** Of the honesty column. */
  readonly kills: number;
  /** Whether docs/ and the README get the results. */
  readonly write: boolean;
  readonly help: boolean;
}

export const USAGE = `usage: npm run bench:race -- [options]

  --quick            one round, one second, one kill
  --only a,b         these contestants only; a ratio needs both of its sides
  --rounds N         interleaved rounds of each load (3)
  --seconds N        of each timed run (2)
  --kills N          of each contestant, for the honesty column (3); 0 leaves it out
  --write            write docs/race.md, docs/race.svg and the table of the README; without options this is the default
  --no-write
  --help`;

const LIMIT = 1_000;

/** @throws Error with a line for the reader, for anything that is not in `USAGE`. */
export function parseRaceArguments(argv: readonly string[], ids: readonly string[]): RaceArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      kills: { type: 'string' },
      write: { type: 'boolean', default: argv.length === 0 },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  const only = values.only.flatMap((list) => list.split(',')).map((id) => id.trim());
  for (const id of only) {
    if (!ids.includes(id)) throw new Error(`there is no contestant ${id}; there are ${ids.join(', ')}`);
  }
  const { quick } = values;
  return {
    only,
    rounds: whole('--rounds', values.rounds, quick ? 1 : 3, 1),
    seconds: whole('--seconds', values.seconds, quick ? 1 : 2, 1),
    kills: whole('--kills', values.kills, quick ? 1 : 3, 0),
    write: values.write,
    help: values.help,
  };
}

function whole(option: string, text: string | undefined, byDefault: number, least: number): number {
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > LIMIT)
    throw new Error(`${option} must be a whole number from ${least} to ${LIMIT}, not ${text}`);
  return value;
}
