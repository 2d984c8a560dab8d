/** The interface of a built-in actor: a behavior for the owner thread, and routes of its own for the main thread. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import type { ResponseContext } from '../http/response-context.js';
import type { Route } from '../http/route.js';
import type { MetricRow } from '../meter/metric-row.js';
import type { Mailbox } from '../runtime/front/mailbox.js';
import type { OwnerEvent, OwnerHandle } from '../runtime/front/owner-handle.js';
import type { Behavior } from '../runtime/owner/behavior.js';
import type { ActorStore } from '../store/contract.js';

export interface FrontContext {
  readonly owner: OwnerHandle;
  /** Another node answers what this one does not own. */
  readonly forwards: boolean;
  readonly responses: ResponseContext;
  /** Number of the resident's first message among those of all actors. */
  readonly firstMessage: number;
  readonly config: Config;
  readonly log: Logger;
}

/** The part on the main thread. */
export interface ResidentFront {
  /** On a listener for clients, or on the one for other nodes. */
  routes(responses: ResponseContext, mailbox: Mailbox): readonly Route[];
  /** Requests can be answered now. */
  readonly ready: boolean;
  /** Requests that wait here, before they are given to the owner. */
  readonly waiting: number;
  /** How many replies may be sent before the event loop turns again. */
  readonly repliesAtOnce: number;
  readonly metrics: readonly MetricRow[];
  /** What the live page shows of it. */
  figures(): Readonly<Record<string, number>>;
  /** Called with every event of the owner. */
  onOwner(event: OwnerEvent): void;
  close(): void;
}

/** Each thread loads only the part that it runs. */
export interface Resident {
  readonly name: string;
  /** The names of its messages, by their numbers. */
  readonly messages: readonly string[];
  /** As one node asks another, by the number of the message. */
  readonly targets: readonly { readonly method: 'GET' | 'POST'; readonly path: string }[];
  /** The settings for `behavior`, which runs on the owner thread. */
  settings(config: Config): object;
  front(context: FrontContext): Promise<ResidentFront>;
  behavior(settings: object, store: ActorStore): Promise<Behavior>;
}
