/** Turns events of the owner into log lines and into events of the live page. */
import type { Logger } from 'pino';
import type { OwnerEvent } from '../runtime/front/owner-handle.js';
import type { EventLog } from './event-log.js';

/** A behavior that fails is logged once per message and minute, with its stack. */
const FAILURE_LOG_MS = 60_000;

export class OwnerLog {
  readonly #log: Logger;
  readonly #events: EventLog;
  readonly #messages: readonly string[];
  readonly #failedAt = new Map<number, number>();

  /** @param messages names of the messages, by number. */
  constructor(log: Logger, events: EventLog, messages: readonly string[]) {
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
        if (repairedFrom !== undefined)
          log.error({ repairedFrom, commit }, 'the store had lost confirmed commits; they are written again');
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
        log.warn({ reason: event.reason }, 'the store is away');
        events.add('away', `the store is away: ${event.reason}`);
        return;
      case 'standby':
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
      case 'loaded':
      case 'fatal':
      case 'stopped':
        return;
      default:
        throw new Error(`unknown event: ${JSON.stringify(event satisfies never)}`);
    }
  }

  #tellFailure(message: number, failure: string): void {
    const now = performance.now();
    if (now - (this.#failedAt.get(message) ?? Number.NEGATIVE_INFINITY) < FAILURE_LOG_MS) return;
    this.#failedAt.set(message, now);
    this.#log.error({ message: this.#messages[message], failure }, 'a behavior failed');
  }
}
