/**
 * The service put together: terms -> owner -> front -> admin -> signals. It is loaded when its first owner is
 * already under way, see `main.ts`; the two are the only places that end the process.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { type AdminOptions, AdminServer } from './admin/admin-server.js';
import { Journal } from './admin/journal.js';
import type { Config } from './config/config.js';
import { connectionLimits } from './descriptors.js';
import { messageOf } from './errors.js';
import { loadUws } from './http/load-uws.js';
import { openApi } from './http/openapi.js';
import { ProblemLog } from './http/problem-log.js';
import { Server } from './http/server.js';
import { SlowReaders } from './http/slow-readers.js';
import { LOOP_CELLS, watchLoop } from './meter/loop-gauge.js';
import { OwnerMeter } from './meter/owner-meter.js';
import { ConversionPool } from './residents/fibonacci/conversion-pool.js';
import { Terms } from './residents/fibonacci/terms.js';
import { OwnerHandle } from './runtime/owner-handle.js';
import type { OwnerSpawner } from './runtime/owner-spawner.js';
import { Rehearsal } from './runtime/rehearsal.js';
import { stopWith } from './signals.js';
import { keepLibrary } from './store/open-store.js';
import { placeOf } from './store/store-place.js';

/** From service to the begin of a spare owner. Not at once: those who waited for the start come first. */
const SPARE_AFTER_MS = 1_000;

export interface Foundation {
  readonly version: string;
  readonly config: Config;
  readonly log: Logger;
  readonly spawner: OwnerSpawner;
}

/**
 * Resolves when it listens.
 *
 * @throws WarrenError when the address is taken, or the front's library has no binary for this machine.
 */
export async function serve({ version, config, log, spawner }: Foundation): Promise<void> {
  const [uws] = await Promise.all([loadUws(), keepLibrary(config.store.kind)]);
  const pool = new ConversionPool({
    threads: config.formatThreads,
    heapMb: config.formatHeapMb,
    timeoutMs: config.formatTimeoutMs,
    onProgress: (index, step) => log.info({ index, step }, 'computing the first digits'),
    onFailure: ({ code, message }) => log.error({ code }, message),
  });
  const terms = new Terms({
    maxIndex: config.maxIndex,
    convert: (index, signal) => pool.convert(index, signal),
    onConversion: (index, tookMs) => {
      if (tookMs === undefined) log.info({ index }, 'computing the first digits');
      else {
        log.info({ index, tookMs: Math.round(tookMs) }, 'ready');
        owner.goOn();
      }
    },
  });
  const slowReaders = new SlowReaders({ bytes: config.unsentMemoryBytes, timeoutMs: config.sendTimeoutMs });
  const writer = randomUUID();
  const journal = new Journal();
  journal.add('started', `version ${version} started as process ${process.pid}`);
  const ownerMeter = new OwnerMeter();
  const mainLoop = new Float64Array(LOOP_CELLS);
  watchLoop(mainLoop);
  const rehearsal = config.faults ? new Rehearsal() : undefined;
  const observed = { meterMemory: ownerMeter.memory, rehearsal: rehearsal?.words };
  let { instance } = config;
  let storeTried: () => void = () => {};
  const owner = new OwnerHandle({
    limits: config,
    spawn: (resume) => spawner.spawn({ ...config, ...observed, writer, instance, resume }),
    onError: (error) => log.error({ err: error }, 'an answer failed'),
    onServing: (state) => terms.moveTo(state),
    onReplies: (replies) => terms.follow(replies.at(-1) ?? 0),
    answering: () => terms.ready,
    repliesAtOnce: () => Math.min(terms.atOnce, slowReaders.room),
    onEvent: (event) => {
      storeTried();
      switch (event.kind) {
        case 'serving': {
          const { epoch, version: commit, state: index } = event.acknowledged;
          log.info({ origin: event.origin, index, epoch, commit }, 'serving');
          setTimeout(() => spawner.prepareSpare(), SPARE_AFTER_MS).unref();
          journal.add('serving', `serving at index ${index}, epoch ${epoch} (${event.origin})`);
          return;
        }
        case 'away':
          log.warn({ reason: event.reason }, 'the store is away');
          journal.add('away', `the store is away: ${event.reason}`);
          return;
        case 'standby':
          terms.forget();
          log.warn({ reason: event.reason }, 'standing by');
          journal.add('standby', `standing by: ${event.reason}`);
          return;
        case 'died':
          log.error(
            { reason: event.reason, unanswered: event.unanswered },
            'the owner died; a new one takes over',
          );
          journal.add('died', `the owner died: ${event.reason}; ${event.unanswered} asks go to the next`);
          return;
        case 'poisoned':
          log.error({ message: event.message }, 'a message that ended two owners is left out');
          journal.add('poisoned', 'a message that ended two owners is left out');
          return;
        case 'fatal':
          fatal(event.code, event.reason);
          return;
        default:
          throw new Error(`unknown event: ${JSON.stringify(event satisfies never)}`);
      }
    },
  });
  const problems = new ProblemLog(log);
  const fitting = connectionLimits();
  const connectionLimit = Math.min(config.connectionLimit || fitting.serving, fitting.serving);
  if (connectionLimit < config.connectionLimit) {
    log.warn({ connectionLimit }, 'the limit of open files (ulimit -n) leaves no more connections than this');
  }
  const server = new Server({
    uws,
    owner,
    digits: terms,
    slowReaders,
    rendering: () => terms.ready,
    openLimit: config.mailboxLimit,
    connectionLimit,
    corsOrigins: config.corsOrigins,
    description: JSON.stringify(openApi(version)),
    onError: (error) => log.error({ err: error }, 'a handler failed'),
    onProblem: (code, counts, requestId) => problems.note(code, counts, requestId),
  });
  const owned = { version, config, owner, ownerMeter, server, connectionLimit };
  const parts = { ...owned, terms, pool, mainLoop, rehearsal };
  const admin = await startAdmin(log, config.admin, { parts, journal, connectionLimit: fitting.admin });
  if (config.store.kind === 'level') {
    // Whoever finds the folder in use must never be seen to listen.
    await new Promise<void>((resolve) => {
      storeTried = resolve;
      owner.start();
    });
  }
  const port = await server.listen(config.serving.host, config.serving.port);
  log.info(
    {
      host: config.serving.host || '0.0.0.0',
      port,
      store: config.store.kind,
      place: placeOf(config.store),
      durability: config.durability,
      connectionLimit,
      admin: admin?.url,
      version,
    },
    'listening',
  );

  instance ||= `${hostname()}:${port}`;
  if (config.store.kind !== 'level') owner.start();

  function fatal(code: string, reason: string): void {
    log.fatal({ code }, reason);
    process.exit(1);
  }

  async function shutDown(signal: string): Promise<void> {
    log.info({ signal, open: server.open }, 'stopping');
    journal.add('stopping', `stopping on ${signal}`);
    const overtime = setTimeout(() => {
      log.error({ open: server.open }, 'not everything could be answered and committed in time');
      process.exit(1);
    }, config.shutdownTimeoutMs);
    const drained = server.drain();
    await owner.stop();
    // Everything is committed; whoever is still reading gets the rest of the time.
    await drained;
    clearTimeout(overtime);
    server.close();
    terms.forget();
    admin?.server.close();
    log.info('stopped');
    process.exit(0);
  }

  stopWith((cause) => void shutDown(cause));
  process.on('SIGUSR2', () => {
    if (config.faults) owner.crash('SIGUSR2');
    else log.warn('SIGUSR2 is ignored: FAULTS is off');
  });
}

/** A default port that another process has is no reason not to serve; one that somebody has asked for is. */
async function startAdmin(
  log: Logger,
  address: Config['admin'],
  options: Pick<AdminOptions, 'parts' | 'journal' | 'connectionLimit'>,
): Promise<{ server: AdminServer; url: string } | undefined> {
  if (!address) return undefined;
  const onError = (error: unknown) => log.error({ err: error }, 'the admin listener failed');
  const server = new AdminServer({ ...options, address, onError });
  try {
    return { server, url: await server.listen() };
  } catch (error) {
    server.close();
    if (!address.optional) throw error;
    log.warn(
      { reason: messageOf(error) },
      'no metrics and no live page: set ADMIN_HOST_PORT to another port',
    );
    return undefined;
  }
}
