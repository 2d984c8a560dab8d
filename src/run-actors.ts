/** The program that serves actors: log, end and exit codes around an `ActorService`. */
import { isatty } from 'node:tty';
import { serveActors } from './actor-service.js';
import type { Config } from './config/config.js';
import { createLog } from './log.js';
import { stopWith } from './signals.js';

/** Resolves when it listens. @throws WarrenError as `serveActors`. */
export async function runActors(version: string, config: Config): Promise<void> {
  const log = await createLog({ level: config.logLevel, terminal: isatty(1) });
  const service = await serveActors({
    version,
    config,
    log,
    ownsProcess: true,
    onFatal: (code, reason) => {
      log.fatal({ code }, reason);
      process.exit(1);
    },
  });
  process.on('exit', () => service.awaitLoaded());
  const { host } = config.serving;
  log.info(
    {
      host: host || '0.0.0.0',
      port: service.port,
      store: config.store.kind,
      durability: config.durability,
      version,
    },
    'listening',
  );

  stopWith((cause) => {
    log.info({ signal: cause }, 'stopping');
    setTimeout(() => {
      log.error('not everything could be answered and committed in time');
      process.exit(1);
    }, config.shutdownTimeoutMs).unref();
    void service.close().then(() => {
      log.info('stopped');
      process.exit(0);
    });
  });
  process.on('SIGUSR2', () => {
    if (config.faults) service.owner.crash('SIGUSR2');
    else log.warn('SIGUSR2 is ignored: FAULTS is off');
  });
}
