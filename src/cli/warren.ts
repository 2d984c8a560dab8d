#!/usr/bin/env node
/** The program `warren`. It loads only the module of the command that was called, so that `serve` handles signals early. */
import { WarrenError } from '../errors.js';
import { CommandFailed, EXIT_FAILED, EXIT_USAGE } from './usage.js';

/** As for the server: starting again does not help. */
const EXIT_CONFIG = 78;

const USAGE = `usage: warren COMMAND

  serve [FILE…]    serve the actors of these modules; without FILE, the Fibonacci sequence. Environment
                   variables configure it, see warren serve --help
  verify URL       load a running deployment and check what its clients see
  list [ACTOR]     print the actors in the store, or the keys of one actor
  inspect [ACTOR KEY]
                   print the state of an actor; or the fence and the sequence of the store
  export           print everything in the store, line by line
  import FILE      write an export into an empty store
  set ACTOR KEY JSON
                   replace the state of an actor
  forget ACTOR KEY delete the state of an actor
  nodes            print the nodes that share the Redis
  backup DIR       copy the store in DATA_DIR to a new folder
  set-index N      set the index of the sequence, while no server runs
  accept-loss      continue on a Redis that has lost confirmed commits

The environment names the store, as for serve. warren COMMAND --help says more.`;

const RECORD_USAGE = `usage: warren inspect [ACTOR KEY]
       warren backup DIR
       warren set-index N [--yes]

STORE, DATA_DIR, REDIS_URL, REDIS_HOST_PORT and REDIS_PREFIX name the store, as for serve. inspect and backup only read, also while a server runs.
set-index is refused while a server runs. The copy that backup makes can be the DATA_DIR of another server. With an actor and a key, inspect prints the state
of that actor; see warren list --help.`;

async function run(command: string | undefined, args: readonly string[]): Promise<number | undefined> {
  const help = args.includes('--help') || args.includes('-h');
  switch (command) {
    case 'serve':
      // It reads the rest of the command line itself, and runs on.
      process.argv.splice(2, 1);
      await import('../main.js');
      return undefined;
    case 'verify': {
      const { VERIFY_USAGE, verify } = await import('./verify.js');
      if (!help) return verify(args, process.env);
      console.log(VERIFY_USAGE);
      return 0;
    }
    case 'inspect':
    case 'backup':
    case 'set-index': {
      if (help) {
        console.log(RECORD_USAGE);
        return 0;
      }
      if (command === 'inspect' && args.length > 0) {
        const { inspectActor } = await import('./actors.js');
        return inspectActor(args, process.env);
      }
      const { backup, inspect, setIndex } = await import('./record.js');
      return { inspect, backup, 'set-index': setIndex }[command](args, process.env);
    }
    case 'list':
    case 'export': {
      const { ACTORS_USAGE, exportAll, list } = await import('./actors.js');
      if (!help) return { list, export: exportAll }[command](args, process.env);
      console.log(ACTORS_USAGE);
      return 0;
    }
    case 'set':
    case 'forget': {
      const { EDIT_USAGE, editActor } = await import('./edit-actor.js');
      if (!help) return editActor(command, args, process.env);
      console.log(EDIT_USAGE);
      return 0;
    }
    case 'import': {
      const { IMPORT_USAGE, importAll } = await import('./import.js');
      if (!help) return importAll(args, process.env);
      console.log(IMPORT_USAGE);
      return 0;
    }
    case 'nodes': {
      const { NODES_USAGE, listNodes } = await import('./nodes.js');
      if (!help) return listNodes(args, process.env);
      console.log(NODES_USAGE);
      return 0;
    }
    case 'accept-loss': {
      const { ACCEPT_LOSS_USAGE, acceptLoss } = await import('./accept-loss.js');
      if (!help) return acceptLoss(args, process.env);
      console.log(ACCEPT_LOSS_USAGE);
      return 0;
    }
    case 'help':
    case '--help':
    case '-h':
      console.log(USAGE);
      return 0;
    case '--version':
      await import('../main.js');
      return undefined;
    default:
      throw new CommandFailed(USAGE, EXIT_USAGE);
  }
}

process.setSourceMapsEnabled(true);
const [command, ...args] = process.argv.slice(2);
try {
  const code = await run(command, args);
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  if (error instanceof CommandFailed) {
    console.error(error.message);
    process.exitCode = error.exitCode;
  } else if (error instanceof WarrenError) {
    console.error(error.message);
    process.exitCode = error.code === 'config-invalid' ? EXIT_CONFIG : EXIT_FAILED;
  } else if (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS')
  ) {
    console.error(error.message);
    process.exitCode = EXIT_USAGE;
  } else throw error;
}
