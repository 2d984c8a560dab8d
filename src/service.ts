/** The whole service: makes and connects actors, owner, HTTP front and admin listener, and stops them. The program and the library both use it. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Begun } from './begin-owner.js';
import type { Config } from './config/config.js';
import { connectionLimits } from './descriptors.js';
import { messageOf } from './errors.js';
import { actorRoutes } from './http/actor-routes.js';
import { loadUws } from './http/load-uws.js';
import { ProblemLog } from './http/problem-log.js';
import type { ResponseContext } from './http/response-context.js';
import { Server } from './http/server.js';
import { SlowReaders } from './http/slow-readers.js';
import { LOOP_CELLS, watchLoop } from './meter/loop-gauge.js';
import { RequestMeter } from './meter/request-meter.js';
import type { NodeFront } from './nodes/node-front.js';
import { ActorAdmin } from './operations/actor-admin.js';
import { AdminServer } from './operations/admin-server.js';
import { EventLog } from './operations/event-log.js';
import { OwnerLog } from './operations/owner-log.js';
import type { Parts } from './operations/process-figures.js';
import type { ResidentFront } from './residents/resident.js';
import { residentNamed } from './residents/residents.js';
import type { Definition } from './runtime/definition.js';
import type { Mailbox } from './runtime/front/mailbox.js';
import { type OwnerEvent, OwnerHandle } from './runtime/front/owner-handle.js';
import { loadActors } from './runtime/load-actors.js';
import { EDITS } from './runtime/owner/edit.js';
import { messagesOf, targetsOf, versionsOf } from './served-messages.js';
import { keepLibrary } from './store/open-actor-store.js';
import { identityOf, placeOf } from './store/store-place.js';

const MIB = 2 ** 20;
/** Keys, bodies and replies that may be under way. */
const REQUEST_BYTES = 8 * MIB;
const REPLY_BYTES = 8 * MIB;
/** At the least, in a store of several shards. */
const SHARD_CAPACITY = 1024;
/**
 * A node that stops answers on for so long, until its clients have closed their connections, in milliseconds. A request that meets the end of its
 * connection has an unknown outcome, so a proxy should close idle connections earlier: docs/operations/nginx-nodes.conf does after 300 ms.
 */
const LINGER_MS = 1000;

export interface ServiceOptions {
  readonly version: string;
  readonly config: Config;
  readonly log: Logger;
  readonly begun: Begun;
  /** The owner cannot go on. */
  readonly onFatal: (code: string, reason: string) => void;
  /** The owner serves, or says why it does not yet. */
  readonly onState?: () => void;
}

export class Service {
  readonly definitions: readonly Definition[];
  readonly owner: OwnerHandle;
  readonly server: Server;
  /** Undefined where no other process can reach the store. */
  readonly nodes: NodeFront | undefined;
  /** Where requests of clients go. */
  readonly mailbox: Mailbox;
  /** Bound on connections to the public port. */
  readonly connectionLimit: number;
  readonly #adminConnectionLimit: number;
  readonly #options: ServiceOptions;
  readonly #requests: RequestMeter;
  readonly #residents: ResidentFront[] = [];
  readonly #events = new EventLog();
  /** Told of the first event of the owner. */
  #onFirstEvent = () => {};
  #admin: AdminServer | undefined;
  #adminUrl: string | undefined;
  /** 0 until it listens. */
  port = 0;

  /**
   * Resolves when it listens.
   *
   * @throws WarrenError `actor-invalid`, `listen-failed`, `native-missing`. The owner thread has been told to end.
   */
  static async start(options: ServiceOptions): Promise<Service> {
    const { config, begun } = options;
    let service: Service | undefined;
    try {
      const [definitions, uws, nodeFront] = await Promise.all([
        loadActors(config.modules),
        loadUws(),
        // Only nodes need it, and it costs start-up time.
        config.node && import('./nodes/node-front.js'),
        keepLibrary(config.store.kind),
      ]);
      service = new Service(options, definitions, uws, nodeFront?.NodeFront);
      await service.#begin();
      return service;
    } catch (error) {
      service?.owner.abandon('the service could not start');
      begun.threads.close();
      throw error;
    }
  }

  private constructor(
    options: ServiceOptions,
    definitions: readonly Definition[],
    uws: Awaited<ReturnType<typeof loadUws>>,
    Nodes: typeof NodeFront | undefined,
  ) {
    const { version, config, log, begun } = options;
    this.#options = options;
    this.definitions = definitions;
    const messages = messagesOf(config, definitions);
    const ownerLog = new OwnerLog(
      log,
      this.#events,
      messages.map(({ actor, name }) => `${actor}.${name}`),
      config.shards,
    );
    this.#requests = new RequestMeter(messages.map(({ actor }) => actor));
    this.owner = new OwnerHandle({
      limits: config,
      queue: {
        capacity: capacityOf(config),
        requestBytes: REQUEST_BYTES,
        replyBytes: REPLY_BYTES,
      },
      shards: config.shards,
      actors: messages.map(({ actor }) => actor),
      threads: begun.threads,
      meter: this.#requests,
      repliesAtOnce: () => this.#repliesAtOnce,
      onEvent: (event) => {
        ownerLog.tell(event);
        this.#onOwner(event);
      },
      onError: (error) => log.error({ err: error }, 'an answer failed'),
    });
    begun.threads.onSpareDeath = (reason) => {
      log.warn({ reason }, 'a spare owner thread died before it was needed');
    };
    const problems = new ProblemLog(log);
    const fitting = connectionLimits();
    this.connectionLimit = Math.min(config.connectionLimit || fitting.serving, fitting.serving);
    this.#adminConnectionLimit = fitting.admin;
    if (this.connectionLimit < config.connectionLimit) {
      const { connectionLimit } = this;
      log.warn(
        { connectionLimit },
        'the limit of open files (ulimit -n) leaves no more connections than this',
      );
    }
    const slowReaders = new SlowReaders({ bytes: config.unsentMemoryBytes, timeoutMs: config.sendTimeoutMs });
    const onProblem: ResponseContext['onProblem'] = (code, counts, requestId) =>
      problems.note(code, counts, requestId);
    this.server = new Server({
      uws,
      version,
      owner: this.owner,
      slowReaders,
      openLimit: config.mailboxLimit,
      connectionLimit: this.connectionLimit,
      corsOrigins: config.corsOrigins,
      token: config.servingToken,
      onError: (error) => log.error({ err: error }, 'a handler failed'),
      onProblem,
    });
    this.nodes =
      config.node &&
      Nodes &&
      new Nodes({
        address: config.node,
        uws,
        version,
        owner: this.owner,
        slowReaders,
        targets: targetsOf(config, definitions),
        askTimeoutMs: config.askTimeoutMs,
        openLimit: config.mailboxLimit,
        connectionLimit: this.connectionLimit,
        log,
        onProblem,
      });
    this.mailbox = this.nodes?.router ?? this.owner;
  }

  get ready(): boolean {
    const ready = this.nodes ? this.nodes.ready && this.owner.mayForward : this.owner.ready;
    return ready && this.#residents.every((resident) => resident.ready);
  }

  /** Answers and commits what is pending, and ends: after `shutdownTimeoutMs` at the latest. @returns whether all of it could be done. */
  async close(cause: string): Promise<boolean> {
    const { config, log, begun } = this.#options;
    const { server, owner } = this;
    let inTime = true;
    log.info({ signal: cause, open: server.open }, 'stopping');
    this.#events.add('stopping', `stopping: ${cause}`);
    const late = setTimeout(() => {
      inTime = false;
      log.error({ open: server.open }, 'not everything could be answered and committed in time');
      owner.abandon('it did not stop in time');
      server.abandon();
    }, config.shutdownTimeoutMs);
    // Other nodes answer for the shards of this one before it takes no more requests.
    if (this.nodes) {
      await this.nodes.leave();
      await server.linger(LINGER_MS);
    }
    const drained = server.drain();
    // What is under way to other nodes needs this one until it is answered.
    if (this.nodes) await drained;
    await owner.stop();
    // Everything is committed; whoever is still reading gets the rest of the time.
    await drained;
    clearTimeout(late);
    await server.close();
    await this.nodes?.close();
    for (const resident of this.#residents) resident.close();
    this.#admin?.close();
    begun.threads.close();
    return inTime;
  }

  async #begin(): Promise<void> {
    const { config, log, version } = this.#options;
    const { owner, server, mailbox } = this;
    let firstMessage = this.definitions.reduce((count, { messageList }) => count + messageList.length, 0);
    for (const name of config.residents) {
      const resident = residentNamed(name);
      const forwards = this.nodes !== undefined;
      this.#residents.push(
        await resident.front({ owner, forwards, responses: server, firstMessage, config, log }),
      );
      firstMessage += resident.messages.length;
    }
    const { bodyLimitBytes: bodyLimit } = config;
    const routesOn = (context: ResponseContext, mailbox: Mailbox) => [
      ...actorRoutes(this.definitions, { mailbox, context, bodyLimit }),
      ...this.#residents.flatMap((resident) => resident.routes(context, mailbox)),
    ];
    server.register(routesOn(server, mailbox), () => this.ready);
    await this.nodes?.listen(routesOn(this.nodes.server, this.nodes.mailbox));
    this.#events.add('started', `version ${version} started as process ${process.pid}`);
    await this.#startAdmin();
    const { serving, instance } = config;
    if (config.store.kind === 'level') {
      // Whoever finds the folder in use must never be seen to listen.
      const tried = new Promise<void>((resolve) => {
        this.#onFirstEvent = resolve;
      });
      this.#startOwner(instance || `${hostname()}:${serving.port}`);
      await tried;
      this.port = await server.listen(serving.host, serving.port);
      this.#tellWhere();
    } else {
      this.port = await server.listen(serving.host, serving.port);
      this.#tellWhere();
      this.#startOwner(instance || `${hostname()}:${this.port}`);
    }
  }

  #startOwner(instance: string): void {
    const { version, config } = this.#options;
    this.nodes?.router.begin(instance);
    const actors = versionsOf(config, this.definitions);
    this.owner.start(instance, this.nodes && { address: this.nodes.address, version, actors });
  }

  #tellWhere(): void {
    const { config, log, version } = this.#options;
    log.info(
      {
        host: config.serving.host || '0.0.0.0',
        port: this.port,
        store: config.store.kind,
        place: placeOf(config.store),
        durability: config.durability,
        connectionLimit: this.connectionLimit,
        node: this.nodes?.address,
        admin: this.#adminUrl,
        version,
      },
      'listening',
    );
  }

  /** A default port that another process has is no reason not to serve; one that somebody has asked for is. */
  async #startAdmin(): Promise<void> {
    const { config, log } = this.#options;
    const { admin: address } = config;
    if (!address) return;
    const admin = new AdminServer({
      address,
      parts: this.#parts,
      events: this.#events,
      actors: new ActorAdmin({
        owner: this.owner,
        nodes: this.nodes?.router,
        definitions: this.definitions,
        firstEdit: messagesOf(config, this.definitions).length - EDITS.length * this.definitions.length,
        place: () => identityOf(config.store),
        stateLimitBytes: config.stateLimitBytes,
      }),
      connectionLimit: this.#adminConnectionLimit,
      onError: (error) => log.error({ err: error }, 'the admin listener failed'),
    });
    try {
      this.#adminUrl = await admin.listen();
      this.#admin = admin;
    } catch (error) {
      admin.close();
      if (!address.optional) throw error;
      const reason = messageOf(error);
      log.warn({ reason }, 'no metrics and no live page: set ADMIN_HOST_PORT to another port');
    }
  }

  get #parts(): Parts {
    const { version, config, begun } = this.#options;
    const mainLoop = new Float64Array(LOOP_CELLS);
    watchLoop(mainLoop);
    return {
      version,
      config,
      owner: this.owner,
      ownerMeter: begun.meter,
      requests: this.#requests,
      server: this.server,
      nodes: this.nodes,
      connectionLimit: this.connectionLimit,
      ready: () => this.ready,
      residents: new Map(config.residents.map((name, at) => [name, this.#residents[at] as ResidentFront])),
      mainLoop,
      faults: begun.faults,
    };
  }

  get #repliesAtOnce(): number {
    let count = Number.POSITIVE_INFINITY;
    for (const { repliesAtOnce } of this.#residents) count = Math.min(count, repliesAtOnce);
    return count;
  }

  #onOwner(event: OwnerEvent): void {
    this.nodes?.onOwner(event);
    for (const resident of this.#residents) resident.onOwner(event);
    switch (event.kind) {
      case 'serving':
      case 'away':
      case 'standby':
        this.#options.onState?.();
        break;
      case 'fatal':
        this.#events.add('fatal', event.reason);
        this.#options.onFatal(event.code, event.reason);
        break;
      case 'loaded':
      case 'store-tested':
        return;
      default:
        break;
    }
    this.#onFirstEvent();
  }
}

/** Requests that may wait in each shard: with several, one hot actor still has room for a good part of all. */
function capacityOf({ mailboxLimit, shards }: Config): number {
  const all = 2 ** Math.ceil(Math.log2(mailboxLimit));
  return shards === 1 ? all : Math.max(Math.min(all, SHARD_CAPACITY), all / 4);
}
