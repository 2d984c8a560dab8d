/** A service of actors put together: modules -> owner -> front. The program and the library both begin here. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from './config/config.js';
import { connectionLimits } from './descriptors.js';
import { WarrenError } from './errors.js';
import { actorOpenApi } from './http/actor-openapi.js';
import { ActorServer } from './http/actor-server.js';
import { loadUws } from './http/load-uws.js';
import { ProblemLog } from './http/problem-log.js';
import type { Definition } from './runtime/definition.js';
import { type OwnerEvent, OwnerHandle } from './runtime/front/owner-handle.js';
import { OwnerThreads } from './runtime/front/owner-threads.js';
import { loadActors } from './runtime/load-actors.js';
import type { OwnerSetup } from './runtime/owner/owner-setup.js';
import { repairMemory } from './runtime/owner/repair-log.js';
import { LARGE_BIGINT_BITS } from './runtime/owner/reply-encoder.js';
import { processMark } from './runtime/process-mark.js';
import { storeMemory } from './store/memory/memory-actor-store.js';
import type { ActorStoreConfig } from './store/open-actor-store.js';
import { keepLibrary } from './store/open-store.js';

const MIB = 2 ** 20;
const MEMORY_STORE_BYTES = 1024 * MIB;
/** Keys, bodies and replies that may be under way. */
const REQUEST_BYTES = 8 * MIB;
const REPLY_BYTES = 8 * MIB;
/** A group of commits: a store does not get larger pieces than about this. */
const GROUP_BYTES = 4 * MIB;
const FAILURE_LOG_MS = 60_000;

export interface ActorService {
  readonly port: number;
  readonly owner: OwnerHandle;
  readonly server: ActorServer;
  readonly definitions: readonly Definition[];
  /** Answers and commits what is pending, and ends: after `shutdownTimeoutMs` at the latest. */
  close(): Promise<void>;
  /** Before the process exits. */
  awaitLoaded(): void;
}

export interface ActorFoundation {
  readonly version: string;
  readonly config: Config;
  readonly log: Logger;
  /** The owner cannot go on. */
  readonly onFatal: (code: string, reason: string) => void;
  /** The owner serves, or says why it does not yet. */
  readonly onState?: () => void;
  /** The process serves actors and does nothing else: it may be ended when its main thread hangs. */
  readonly ownsProcess: boolean;
}

/** @throws WarrenError `actor-invalid`, `listen-failed`, `native-missing`. */
export async function serveActors(foundation: ActorFoundation): Promise<ActorService> {
  const { version, config, log, onFatal, onState, ownsProcess } = foundation;
  const incarnation = randomBytes(8).toString('hex');
  const setup: OwnerSetup = {
    modules: config.modules,
    limits: {
      stateBytes: config.stateLimitBytes,
      replyBytes: config.replyLimitBytes,
      largeBigintBits: LARGE_BIGINT_BITS,
    },
    // A reply that takes longer comes for nobody.
    encoder: { heapMb: config.formatHeapMb, timeoutMs: config.askTimeoutMs },
    store: storeOf(config),
    durability: config.durability,
    identity: {
      writer: incarnation,
      instance: config.instance || `${hostname()}:${config.serving.port}`,
      process: processMark(),
    },
    incarnation,
    leaseMs: config.leaseMs,
    commitTimeoutMs: config.commitTimeoutMs,
    storeGraceMs: config.storeGraceMs,
    stateBytes: config.stateMemoryBytes,
    groupBytes: GROUP_BYTES,
    watchdogMs: config.watchdogMs,
    ownsProcess,
    repairMemory: repairMemory(config.store.kind === 'redis' ? config.repairMemoryBytes : 0),
  };
  const threads = new OwnerThreads({ setup }, config.ownerHeapMb);
  // The first owner is a spare until it starts: its thread loads its modules while this one loads the others.
  threads.prepareSpare();
  let owner: OwnerHandle | undefined;
  try {
    const definitions = await loadActors(config.modules);
    const [uws] = await Promise.all([loadUws(), keepLibrary(config.store.kind)]);
    const names = definitions.flatMap(({ name, messageList }) =>
      messageList.map((message) => `${name}.${message.name}`),
    );
    const tell = eventLog(log, names);
    owner = new OwnerHandle({
      limits: config,
      queue: {
        capacity: 2 ** Math.ceil(Math.log2(config.mailboxLimit)),
        requestBytes: REQUEST_BYTES,
        replyBytes: REPLY_BYTES,
      },
      threads,
      onEvent: (event) => {
        tell(event);
        if (event.kind === 'fatal') onFatal(event.code, event.reason);
        if (event.kind === 'serving' || event.kind === 'away' || event.kind === 'standby') onState?.();
      },
      onError: (error) => log.error({ err: error }, 'a reply could not be sent'),
    });
    const problems = new ProblemLog(log);
    const { serving: fitting } = connectionLimits();
    const server = new ActorServer({
      uws,
      owner,
      definitions,
      openLimit: config.mailboxLimit,
      bodyLimit: config.bodyLimitBytes,
      connectionLimit: config.connectionLimit === 0 ? fitting : Math.min(config.connectionLimit, fitting),
      corsOrigins: config.corsOrigins,
      token: config.servingToken,
      description: JSON.stringify(actorOpenApi(version, definitions)),
      onError: (error) => log.error({ err: error }, 'a handler failed'),
      onProblem: (code, counts, requestId) => problems.note(code, counts, requestId),
    });
    const port = await server.listen(config.serving.host, config.serving.port);
    owner.start();
    return new RunningActors(port, owner, server, definitions, threads, config.shutdownTimeoutMs, log);
  } catch (error) {
    owner?.abandon('the service could not start');
    threads.close();
    // The program exits now. A thread that has not found its actors ends by itself.
    if (ownsProcess && !(error instanceof WarrenError && error.code === 'actor-invalid'))
      threads.awaitLoaded();
    throw error;
  }
}

class RunningActors implements ActorService {
  readonly port: number;
  readonly owner: OwnerHandle;
  readonly server: ActorServer;
  readonly definitions: readonly Definition[];
  readonly #threads: OwnerThreads;
  readonly #shutdownTimeoutMs: number;
  readonly #log: Logger;

  constructor(
    port: number,
    owner: OwnerHandle,
    server: ActorServer,
    definitions: readonly Definition[],
    threads: OwnerThreads,
    shutdownTimeoutMs: number,
    log: Logger,
  ) {
    this.port = port;
    this.owner = owner;
    this.server = server;
    this.definitions = definitions;
    this.#threads = threads;
    this.#shutdownTimeoutMs = shutdownTimeoutMs;
    this.#log = log;
  }

  async close(): Promise<void> {
    const { server, owner } = this;
    const late = setTimeout(() => {
      this.#log.error('not everything could be answered and committed in time');
      owner.abandon('it did not stop in time');
      server.abandon();
    }, this.#shutdownTimeoutMs);
    const drained = server.drain();
    await owner.stop();
    await drained;
    clearTimeout(late);
    server.close();
    this.#threads.close();
  }

  awaitLoaded(): void {
    this.#threads.awaitLoaded();
  }
}

function storeOf(config: Config): ActorStoreConfig {
  const { store } = config;
  switch (store.kind) {
    case 'memory':
      return { kind: 'memory', memory: storeMemory(MEMORY_STORE_BYTES) };
    case 'redis':
      return { kind: 'redis', url: store.url, prefix: config.redisPrefix };
    default:
      return { kind: 'level', folder: store.folder };
  }
}

/** A behavior that fails is told once per message and minute, with its stack. */
function eventLog(log: Logger, names: readonly string[]): (event: OwnerEvent) => void {
  const toldAt = new Map<number, number>();
  return (event) => {
    switch (event.kind) {
      case 'serving': {
        const { origin, epoch, version: commit, repairedFrom } = event;
        if (repairedFrom !== undefined)
          log.error({ repairedFrom, commit }, 'the store had lost confirmed commits; they are written again');
        log.info({ origin, epoch, commit }, 'serving');
        return;
      }
      case 'away':
        log.warn({ reason: event.reason }, 'the store is away');
        return;
      case 'standby':
        log.warn({ reason: event.reason }, 'standing by');
        return;
      case 'died':
        log.error(
          { reason: event.reason, unanswered: event.unanswered },
          'the owner died; a new one takes over',
        );
        return;
      case 'poisoned':
        log.error(
          { message: names[event.message], key: event.key },
          'a request that ended two owner threads is left out',
        );
        return;
      case 'state-unreadable':
        log.error(
          { actor: event.id, reason: event.reason },
          'a stored state cannot be read; its actor is stopped',
        );
        return;
      case 'behavior-failed': {
        const now = performance.now();
        if (now - (toldAt.get(event.message) ?? Number.NEGATIVE_INFINITY) < FAILURE_LOG_MS) return;
        toldAt.set(event.message, now);
        log.error({ message: names[event.message], failure: event.failure }, 'a behavior failed');
        return;
      }
      case 'loaded':
      case 'fatal':
      case 'stopped':
        return;
      default:
        throw new Error(`unknown event: ${JSON.stringify(event satisfies never)}`);
    }
  };
}
