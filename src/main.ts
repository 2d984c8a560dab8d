/**
 * Where the server process begins: handle ending signals -> read command line and environment -> check the configuration -> start the first owner thread ->
 * start the service. Only this file reads the command line and the environment. Modules are loaded late: signals are handled before any other module is
 * loaded, and `--help` or a wrong setting does not wait for the rest.
 */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import type { Begun } from './begin-owner.js';
import type { Config } from './config/config.js';
import { obeyEndingSignals, stopWith } from './signals.js';

/** EX_CONFIG of sysexits.h: a restart does not help until the configuration is changed. */
const EXIT_CONFIG = 78;

const version: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

async function help(): Promise<string> {
  const { VARIABLES } = await import('./config/variables.js');
  const width = Math.max(...Object.keys(VARIABLES).map((name) => name.length));
  const rows = Object.entries(VARIABLES).map(
    ([name, { fallback, meaning }]) => `  ${name.padEnd(width)} ${fallback.padEnd(17)} ${meaning}`,
  );
  return [
    `Warren ${version}: durable, ordered actors over HTTP. Without a module it serves the Fibonacci sequence.`,
    '',
    'usage: warren serve [FILE…]',
    '       warren serve --help | --version',
    '',
    'FILE: a module whose default export is an actor, or an array of actors: .js, .mjs, and .ts with Node 22.18 or later.',
    '',
    'Configured by environment variables (name, default, meaning):',
    '',
    ...rows,
  ].join('\n');
}

async function main(): Promise<void> {
  obeyEndingSignals();
  const [flag, ...others] = process.argv.slice(2);
  if (flag === '--help' || flag === '-h') {
    console.log(await help());
    return;
  }
  if (flag === '--version') {
    console.log(version);
    return;
  }
  const [{ messageOf, WarrenError }, { readConfig }, { beginOwner }] = await Promise.all([
    import('./errors.js'),
    import('./config/config.js'),
    import('./begin-owner.js'),
  ]);
  let log: Logger | undefined;
  try {
    if (flag?.startsWith('-'))
      throw new WarrenError('config-invalid', `  - there is no option ${flag}; try --help`);
    const config = readConfig(process.env, flag === undefined ? undefined : [flag, ...others]);
    // V8's flags would beat the limits that threads are given. The main thread's own heap was set up with them already.
    setFlagsFromString('--max-old-space-size=0');
    setFlagsFromString('--max-semi-space-size=0');
    const begun = beginOwner(config, true);
    // Node aborts a process that ends while a thread of it loads a native module.
    process.on('exit', () => begun.threads.awaitLoaded());
    const { createLog } = await import('./log.js');
    log = await createLog({ level: config.logLevel, terminal: isatty(1) });
    await run(config, begun, log);
  } catch (error) {
    if (error instanceof WarrenError && error.code === 'actor-invalid') {
      console.error(`Warren cannot start: ${error.message}`);
      process.exit(EXIT_CONFIG);
    }
    if (error instanceof WarrenError && error.code === 'config-invalid') {
      console.error(`Warren cannot start, its configuration is invalid:\n${error.message}`);
      process.exit(EXIT_CONFIG);
    }
    if (log) log.fatal({ code: error instanceof WarrenError ? error.code : undefined }, messageOf(error));
    else console.error(error);
    process.exit(1);
  }
}

/** Resolves when the service listens. */
async function run(config: Config, begun: Begun, log: Logger): Promise<void> {
  stopWith((cause) => {
    log.info({ signal: cause }, 'stopped before it served');
    process.exit(0);
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  // Without a listener it would end the process. One that comes while the service starts is heeded when it has.
  let early = false;
  let crash = () => {
    early = true;
  };
  process.on('SIGUSR2', () => {
    if (config.faults) crash();
    else log.warn('SIGUSR2 is ignored: FAULTS is off');
  });
  const { Service } = await import('./service.js');
  const service = await Service.start({
    version,
    config,
    log,
    begun,
    onFatal: (code, reason) => {
      log.fatal({ code }, reason);
      process.exit(1);
    },
  });
  stopWith((cause) => {
    void service.close(cause).then((inTime) => {
      if (inTime) log.info('stopped');
      process.exit(inTime ? 0 : 1);
    });
  });
  crash = () => service.owner.crash('SIGUSR2');
  if (early) crash();
}

await main();
