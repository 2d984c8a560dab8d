/** Turns events of the owner into log lines and into events of the live page. */
import type { Logger } from 'pino';
import type { OwnerEvent } from '../runtime/front/owner-handle.js';
import type { EventLog } from './event-log.js';
import { GatheredEvents, type ShardEvent } from './gathered-events.js';

/** A behavior that fails is logged once per message and minute, with its stack. */
const FAILURE_LOG_MS = 60_000;

export class OwnerLog {
  readonly #log: Logger;
  readonly #events: EventLog;
  readonly #messages: readonly string[];
  readonly #failedAt = new Map<number, number>();

  readonly #gathered: GatheredEvents | undefined;

  /** @param messages their names, by number. @param shards of the store. */
  constructor(log: Logger, events: EventLog, messages: readonly string[], shards: number) {
    this.#gathered =
      shards === 1 ? undefined : new GatheredEvents((event, count) => this.#tellShards(event, count, shards));
    this.#log = log;
    this.#events = events;
    this.#messages = messages;
  }

  tell(event: OwnerEvent): void {
    const log = this.#log;
    const events = this.#events;
    switch (event.kind) {
      case 'serving': {
        const { origin, epoch, version: commit, repairedFrom } = event;
        if (repairedFrom !== undefined) {
          const { shard } = event;
          log.error(
            { shard, repairedFrom, commit },
            'the store had lost confirmed commits; they are written again',
          );
        }
        if (this.#gathered?.add(event)) return;
        log.info({ origin, epoch, commit }, 'serving');
        events.add('serving', `serving, epoch ${epoch}, commit ${commit} (${origin})`);
        return;
      }
      case 'store-tested':
        for (const warning of event.warnings) log.warn(warning);
        if (event.unseen !== undefined)
          log.debug({ reason: event.unseen }, 'Redis does not show its settings, so they were not checked');
        return;
      case 'away':
        if (this.#gathered?.add(event)) return;
        log.warn({ reason: event.reason }, 'the store is away');
        events.add('away', `the store is away: ${event.reason}`);
        return;
      case 'standby':
        if (this.#gathered?.add(event)) return;
        log.warn({ reason: event.reason }, 'standing by');
        events.add('standby', `standing by: ${event.reason}`);
        return;
      case 'died': {
        const { reason, unanswered } = event;
        log.error({ reason, unanswered }, 'the owner died; a new one takes over');
        events.add('died', `the owner died: ${reason}; ${unanswered} requests go to the next`);
        return;
      }
      case 'poisoned': {
        const message = this.#messages[event.message];
        log.error({ message, key: event.key }, 'a request that ended two owner threads is left out');
        events.add('poisoned', `a request that ended two owner threads is left out: ${message}`);
        return;
      }
      case 'state-unreadable': {
        const { id: actor, reason } = event;
        log.error({ actor, reason }, 'a stored state cannot be read; its actor is stopped');
        return;
      }
      case 'behavior-failed':
        this.#tellFailure(event.message, event.failure);
        return;
      case 'halted':
        log.error(
          { shard: event.shard, reason: event.reason },
          'a shard is halted: its actors are not served',
        );
        events.add('halted', `shard ${event.shard} is halted: ${event.reason}`);
        return;
      case 'nodes': {
        const nodes = event.nodes.map(({ instance, address, state }) => `${instance} (${address}, ${state})`);
        log.info({ nodes }, 'the nodes are these');
        events.add('nodes', `the nodes are ${nodes.join(', ')}`);
        return;
      }
      case 'registry-denied':
        log.error({ reason: event.reason }, 'this node cannot say that it lives');
        events.add('away', `this node cannot say that it lives: ${event.reason}`);
        return;
      case 'holds':
      case 'whole':
      case 'left':
      case 'shard-stopped':
      case 'loaded':
      case 'fatal':
      case 'stopped':
        return;
      default:
        throw new Error(`unknown event: ${JSON.stringify(event satisfies never)}`);
    }
  }

  /** What befell several shards at once. */
  #tellShards(event: ShardEvent, count: number, all: number): void {
    const shards = `${count} of ${all}`;
    if (event.kind === 'serving') {
      this.#log.info({ origin: event.origin, shards }, 'serving');
      this.#events.add('serving', `serving ${shards} shards (${event.origin})`);
    } else if (event.kind === 'away') {
      this.#log.warn({ reason: event.reason, shards }, 'the store is away');
      this.#events.add('away', `the store is away for ${shards} shards: ${event.reason}`);
    } else {
      this.#log.info({ reason: event.reason, shards }, 'standing by');
      this.#events.add('standby', `standing by for ${shards} shards: ${event.reason}`);
    }
  }

  #tellFailure(message: number, failure: string): void {
    const now = performance.now();
    if (now - (this.#failedAt.get(message) ?? Number.NEGATIVE_INFINITY) < FAILURE_LOG_MS) return;
    this.#failedAt.set(message, now);
    this.#log.error({ message: this.#messages[message], failure }, 'a behavior failed');
  }
}
