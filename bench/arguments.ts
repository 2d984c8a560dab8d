/** The command line of the system bench. */
import { parseArgs } from 'node:util';

export const SCENARIO_KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'] as const;
export type ScenarioKey = (typeof SCENARIO_KEYS)[number];

/** A server that somebody brings along; it listens on a loopback port of its own choice. */
export interface ForeignPeer {
  readonly name: string;
  readonly command: string;
  readonly port: number;
}

export interface Arguments {
  readonly quick: boolean;
  readonly scenarios: readonly ScenarioKey[];
  readonly peers: readonly ForeignPeer[];
  /** By default wrk when it is on the PATH. */
  readonly load: 'wrk' | 'autocannon' | undefined;
  /** Name of the folder under bench/results/; by default the time. */
  readonly name: string | undefined;
  readonly help: boolean;
}

export const USAGE = `usage: npm run bench -- [options]

  --quick                     three minutes instead of fourteen: fewer rounds, sizes and seconds
  --scenario a,c              only these:
                                a  small numbers, closed loop, 100 connections
                                b  the same with 1,000 connections, and with 10
                                c  fixed sizes from 20 to 209,000 digits
                                d  a fresh sequence for 8 seconds
                                e  three loads of 1,000 requests a second each, for 30 seconds
                                f  what durability costs, by store
                                g  within 1 CPU and 512 MB
                                h  cold start, restart, idle memory
                                i  how long faults and overload are felt
                                j  actors: counters by store, and a million of them on LevelDB
  --peer 'name=command@port'  another server, with /current, /next and /previous, on 127.0.0.1:port, for a and d;
                              the command is a simple one, VARIABLE=value before it included; may be repeated
  --load wrk|autocannon       the load generator; by default wrk when there is one
  --name NAME                 results go to bench/results/NAME; by default the time
  --help`;

const FOREIGN_PEER = /^(?<name>[^=]+)=(?<command>.+)@(?<port>\d{1,5})$/;
/** A folder directly below bench/results. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** @throws Error with a line for the reader, for anything that is not in `USAGE`. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      peer: { type: 'string', multiple: true, default: [] },
      load: { type: 'string' },
      name: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { load, name } = values;
  if (load !== undefined && load !== 'wrk' && load !== 'autocannon') {
    throw new Error(`--load must be wrk or autocannon, not ${load}`);
  }
  if (name !== undefined && !NAME.test(name))
    throw new Error(`--name must be a plain file name, not ${name}`);
  return {
    quick: values.quick,
    scenarios: scenariosOf(values.scenario),
    peers: values.peer.map(foreignPeerOf),
    load,
    name,
    help: values.help,
  };
}

function scenariosOf(lists: readonly string[]): ScenarioKey[] {
  const wanted = new Set(lists.flatMap((list) => list.split(',')).map((key) => key.trim().toLowerCase()));
  for (const key of wanted) {
    if (!SCENARIO_KEYS.some((known) => known === key)) {
      throw new Error(`there is no scenario ${key}; there are ${SCENARIO_KEYS.join(', ')}`);
    }
  }
  return SCENARIO_KEYS.filter((key) => wanted.size === 0 || wanted.has(key));
}

function foreignPeerOf(text: string): ForeignPeer {
  const { name, command, port: digits } = FOREIGN_PEER.exec(text)?.groups ?? {};
  const port = Number(digits);
  if (!name || !command || !(port >= 1 && port <= 65535)) {
    throw new Error(`--peer must be name=command@port, not ${text}`);
  }
  return { name, command, port };
}
