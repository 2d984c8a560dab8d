/**
 * The output gate of one shard. A reply leaves only when what it shows is durable.
 *
 *   turns ──> open group ──send──> group under way ──committed──> released
 *             (changes)            (one at a time; the next one gathers meanwhile)
 *
 * Before a group is sent, all of its replies are encoded, checked and published in memory that survives this thread, under the group's
 * random id. So after a death of the thread, or a commit of unknown outcome, the fence tells by that id whether the replies may leave.
 * A reply that shows nothing new waits for the groups before it, since replies leave in order.
 *
 * With `async` durability replies leave at once, and groups follow behind them.
 */
import { randomFillSync } from 'node:crypto';
import { WarrenError } from '../../errors.js';
import { type CommitId, commitText } from '../../store/commit-id.js';
import type { Change } from '../../store/contract.js';
import type { ShardFence } from '../../store/shard-fence.js';
import { groupText } from '../link/front-link.js';
import { GROUP_WORDS } from '../link/link-memory.js';
import type { OwnerLink } from '../link/owner-link.js';
import type { OwnerClock } from '../owner-clock.js';
import type { AnswerRecords } from './answer-records.js';
import type { ActorEntry } from './states.js';
import type { Tenure } from './tenure.js';

export interface GateOptions {
  readonly link: OwnerLink;
  readonly tenure: Tenure;
  readonly clocks: OwnerClock;
  readonly durability: 'gated' | 'async';
  readonly records: AnswerRecords;
  /** A group takes no more turns when its changes have reached this many bytes. */
  readonly groupBytes: number;
  /** A group is stored, or the lease is renewed: turns that waited for it can be taken. */
  readonly onProgress: () => void;
  /** The fence may have changed: it must be taken again before anything else is committed. */
  readonly onInDoubt: (error: unknown) => void;
}

export interface Group {
  readonly id: string;
  /** Position after its last reply. */
  readonly until: number;
  /** What it is called, once it is stored. Sent again in a later epoch, it keeps its name. */
  readonly commit: CommitId;
  readonly changes: readonly Change[];
  readonly entries: readonly ActorEntry[];
}

/** In async durability a group follows the one before at this distance, in milliseconds. */
const ASYNC_MS = 10;

export class Gate {
  readonly #options: GateOptions;
  #words = new Int32Array(GROUP_WORDS);
  /** Random words: the ids of the next groups. */
  readonly #random = new Int32Array(256 * GROUP_WORDS);
  #drawn = this.#random.length;
  /** Changed since the last group was sealed. */
  #open = new Set<ActorEntry>();
  #openBytes = 0;
  #taken: number;
  #sent: Group | undefined;
  /** The commit of `#sent` may have happened. */
  #unknown = false;
  /** A commit or a renewal is under way. */
  #busy = false;
  /** The fence is ours, as far as we know. */
  #closed = true;
  #timed = false;
  #lastSentAt = Number.NEGATIVE_INFINITY;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#taken = options.link.first;
  }

  /** Position of the next turn. */
  get taken(): number {
    return this.#taken;
  }

  /** No more turns should be taken before a group is committed. */
  get full(): boolean {
    return this.#openBytes + this.#options.records.openBytes >= this.#options.groupBytes;
  }

  /** Every change is stored, and nothing is under way. */
  get idle(): boolean {
    return !this.#busy && this.#sent === undefined && !this.#unsealed;
  }

  /** There is something for the next group. */
  get #unsealed(): boolean {
    return this.#open.size > 0 || this.#options.records.unsealed;
  }

  /** Actors whose state is not stored yet. */
  get unstored(): number {
    return this.#open.size + (this.#sent?.entries.length ?? 0);
  }

  /** The group whose commit has not succeeded yet. */
  get sent(): Group | undefined {
    return this.#sent;
  }

  /** Whether that commit may have happened. */
  get unknown(): boolean {
    return this.#sent !== undefined && this.#unknown;
  }

  /** A turn has changed this actor. The state in its entry is the one of the last turn before `advance`. @param bytes of its text, about. */
  change(entry: ActorEntry, bytes: number): void {
    if (!this.#open.has(entry)) {
      entry.pins += 1;
      this.#openBytes += entry.id.length;
      this.#open.add(entry);
    }
    this.#openBytes += bytes;
  }

  /** The replies before `taken` are written: they leave as soon as they may. */
  advance(taken: number): void {
    this.#taken = taken;
    this.#proceed();
  }

  /** The fence is taken, and what it replaced has decided about the group under way. */
  open(decision: 'stored' | 'not stored' | 'dropped'): void {
    this.#closed = false;
    this.#unknown = false;
    const group = this.#sent;
    if (group && decision === 'stored') this.#committed(group);
    else if (group && decision === 'not stored') {
      void this.#send(group);
      return;
    }
    this.#proceed();
  }

  /** Forgets all changes, and the replies that were taken: the owner's memory is emptied with them. Nothing leaves until `open`. */
  drop(): void {
    this.#taken = this.#options.link.released;
    for (const entry of this.#open) entry.pins -= 1;
    for (const entry of this.#sent?.entries ?? []) entry.pins -= 1;
    this.#open = new Set();
    this.#openBytes = 0;
    this.#sent = undefined;
    this.#unknown = false;
    this.#options.records.drop();
  }

  /** The replies before this position leave although nothing is stored: they are refusals. */
  release(until: number): void {
    this.#taken = until;
    this.#options.link.nameCommit(until, 0, 0);
    this.#options.link.release(until);
  }

  /** A read of the store has failed: the fence must be taken again. A commit under way ends first, and says so itself. */
  close(failure: unknown): void {
    if (this.#closed || this.#busy) return;
    this.#closed = true;
    this.#options.onInDoubt(failure);
  }

  /** Renews the lease, unless a commit is under way, which does. */
  async renew(): Promise<void> {
    if (this.#closed || this.#busy) return;
    if (!(await this.#attempt(() => this.#options.tenure.renew()))) return;
    this.#proceed();
    this.#options.onProgress();
  }

  #proceed(): void {
    const { durability, tenure, link, clocks } = this.#options;
    if (durability === 'async' && tenure.leased) this.release(this.#taken);
    if (this.#closed || this.#busy) return;
    if (this.#unsealed) {
      const waitMs = durability === 'async' ? this.#lastSentAt + ASYNC_MS - clocks.now() : 0;
      if (waitMs > 0) this.#later(waitMs);
      else void this.#send(this.#seal());
    } else if (link.released < this.#taken) {
      if (tenure.leased) this.#releaseStored();
      else void this.renew();
    }
  }

  /** The replies that were taken show nothing that is not stored. */
  #releaseStored(): void {
    const { durability, tenure, link } = this.#options;
    const { epoch, version } = tenure.held;
    if (durability === 'gated') link.nameCommit(this.#taken, epoch, version);
    link.release(this.#taken);
  }

  #later(ms: number): void {
    if (this.#timed) return;
    this.#timed = true;
    this.#options.clocks.after(ms, () => {
      this.#timed = false;
      this.#proceed();
    });
  }

  #seal(): Group {
    this.#words = this.#draw();
    const { tenure, records } = this.#options;
    const { shard, epoch, version } = tenure.held;
    const commit = { shard, epoch, version: version + 1 };
    const name = commitText(commit);
    const entries = [...this.#open];
    const changes = entries.map((entry): Change => {
      const { id, state, behavior } = entry;
      entry.commit = name;
      return { id, text: state === undefined ? undefined : behavior.encode(state, name) };
    });
    changes.push(...records.seal(commit, tenure.servedMs));
    const group = { id: groupText(this.#words), until: this.#taken, commit, changes, entries };
    this.#open = new Set();
    this.#openBytes = 0;
    this.#sent = group;
    return group;
  }

  /** The system is asked for many ids at once: one call costs as much as some turns. */
  #draw(): Int32Array<ArrayBuffer> {
    if (this.#drawn === this.#random.length) {
      randomFillSync(this.#random);
      this.#drawn = 0;
    }
    const begin = this.#drawn;
    this.#drawn += GROUP_WORDS;
    return this.#random.slice(begin, this.#drawn);
  }

  /** Sent again, a group has the same id and the same bytes. */
  async #send(group: Group): Promise<void> {
    const { durability, link, tenure, clocks } = this.#options;
    if (durability === 'gated') {
      link.nameCommit(group.until, group.commit.epoch, group.commit.version);
      link.publish(this.#words, group.until);
    }
    this.#lastSentAt = clocks.now();
    if (
      !(await this.#attempt(() => tenure.commit(group.id, group.commit.version, group.changes))) ||
      this.#sent !== group
    )
      return;
    this.#committed(group);
    this.#proceed();
  }

  #committed(group: Group): void {
    this.#sent = undefined;
    this.#unknown = false;
    for (const entry of group.entries) entry.pins -= 1;
    this.#options.records.stored();
    if (this.#options.durability === 'gated') this.#options.link.release(group.until);
    this.#options.onProgress();
  }

  /** @returns whether it is done. Otherwise the gate is closed, and `onInDoubt` was called. */
  async #attempt(call: () => Promise<'swapped' | 'changed'>): Promise<boolean> {
    this.#busy = true;
    const before = this.#unknown;
    this.#unknown = true;
    let failure: unknown;
    try {
      const outcome = await call();
      this.#unknown = before;
      if (outcome === 'swapped') return true;
      failure = new WarrenError('store-unreachable', 'the stored fence has changed');
    } catch (error) {
      failure = error;
      if (provesNothingHappened(error)) this.#unknown = before;
    } finally {
      this.#busy = false;
    }
    this.#closed = true;
    this.#options.onInDoubt(failure);
    return false;
  }
}

function provesNothingHappened(error: unknown): boolean {
  return error instanceof WarrenError && (error.code === 'store-refused' || error.code === 'store-denied');
}

/** Whether a fence that was replaced is the one that this owner wrote last, so that its memory is still right. */
export function isOwn(replaced: ShardFence | undefined, last: ShardFence | undefined): boolean {
  return (
    replaced !== undefined &&
    last !== undefined &&
    replaced.writer === last.writer &&
    replaced.store === last.store &&
    replaced.version === last.version &&
    replaced.group === last.group
  );
}
