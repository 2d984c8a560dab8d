/**
 * The output gate of one shard: holds each reply until everything that it shows is durable. It collects the changes of turns into groups, commits
 * the groups one after the other, and releases their replies. Owner thread only.
 *
 *   turns ──> open group ──send──> group under way ──committed──> released
 *             (changes)            (one at a time)
 *
 * Before a group is sent, all of its replies are encoded, checked and published in memory that survives this thread, under the group's
 * random id. After a death of the thread, or a commit of unknown outcome, the id in the fence shows whether the group is stored, and so
 * whether its replies may leave. Replies leave in order, so the reply to a query waits for the groups before it.
 *
 * With DURABILITY=async replies leave at once, and their groups are committed later.
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
  /** A group gets no more turns when its changes have reached this many bytes. */
  readonly groupBytes: number;
  /** Called when a group is stored, or the lease is renewed: turns that waited for it can be taken. */
  readonly onProgress: () => void;
  /** Called when the fence may have changed: it must be taken again before anything else is committed. */
  readonly onInDoubt: (error: unknown) => void;
}

export interface Group {
  readonly id: string;
  /** Position after its last reply. */
  readonly until: number;
  /** The name of its commit. It stays the same when the group is sent again in a later epoch. */
  readonly commit: CommitId;
  readonly changes: readonly Change[];
  readonly entries: readonly ActorEntry[];
}

/** With DURABILITY=async: the shortest time from one group to the next. */
const ASYNC_MS = 10;

export class Gate {
  readonly #options: GateOptions;
  #words = new Int32Array(GROUP_WORDS);
  /** Random words for the ids of the next groups. */
  readonly #random = new Int32Array(256 * GROUP_WORDS);
  #drawn = this.#random.length;
  /** The open group: actors that have changed since the last group was sealed. */
  #open = new Set<ActorEntry>();
  #openBytes = 0;
  #taken: number;
  /** The group under way. */
  #sent: Group | undefined;
  /** The commit of `#sent` may have happened. */
  #unknown = false;
  /** A commit or a renewal is under way. */
  #busy = false;
  /** The fence must be taken before the next commit. */
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

  /** Whether the open group is full: no more turns should be taken before the next commit. */
  get full(): boolean {
    return this.#openBytes + this.#options.records.openBytes >= this.#options.groupBytes;
  }

  /** Whether every change is stored, and no commit or renewal is under way. */
  get idle(): boolean {
    return !this.#busy && this.#sent === undefined && !this.#unsealed;
  }

  /** Whether there are changes for the next group. */
  get #unsealed(): boolean {
    return this.#open.size > 0 || this.#options.records.unsealed;
  }

  /** How many actors have a state that is not stored yet. */
  get unstored(): number {
    return this.#open.size + (this.#sent?.entries.length ?? 0);
  }

  /** The group whose commit has not succeeded yet. */
  get sent(): Group | undefined {
    return this.#sent;
  }

  /** Whether the commit of `sent` may have happened. */
  get unknown(): boolean {
    return this.#sent !== undefined && this.#unknown;
  }

  /** Adds an actor that a turn has changed. Its entry has the state of its last turn when the group is sealed. @param bytes estimate of its text. */
  change(entry: ActorEntry, bytes: number): void {
    if (!this.#open.has(entry)) {
      entry.pins += 1;
      this.#openBytes += entry.id.length;
      this.#open.add(entry);
    }
    this.#openBytes += bytes;
  }

  /** Says that the replies before `taken` are written: they leave as soon as they may. */
  advance(taken: number): void {
    this.#taken = taken;
    this.#proceed();
  }

  /** Goes on, after the fence was taken. @param decision about the group under way, by the fence that was replaced. */
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

  /** Forgets all changes, and the replies that are not released, when the memory of the owner is emptied. No reply leaves until `open`. */
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

  /** Releases the replies before this position without a commit. */
  release(until: number): void {
    this.#taken = until;
    this.#options.link.nameCommit(until, 0, 0);
    this.#options.link.release(until);
  }

  /** Says that a read of the store has failed, so the fence must be taken again. A commit under way finds that out by itself. */
  close(failure: unknown): void {
    if (this.#closed || this.#busy) return;
    this.#closed = true;
    this.#options.onInDoubt(failure);
  }

  /** Renews the lease, unless a commit is under way, which renews it too. */
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

  /** Releases the replies before `taken`, which show only what is stored. */
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

  /** The random id of the next group. Many are generated at once, since one call of the system costs as much as some turns. */
  #draw(): Int32Array<ArrayBuffer> {
    if (this.#drawn === this.#random.length) {
      randomFillSync(this.#random);
      this.#drawn = 0;
    }
    const begin = this.#drawn;
    this.#drawn += GROUP_WORDS;
    return this.#random.slice(begin, this.#drawn);
  }

  /** Commits a group. When it is sent again, it has the same id and the same bytes. */
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

  /** @returns whether the call succeeded. Otherwise the gate is closed, and `onInDoubt` was called. */
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

/** Whether a replaced fence is the one that this owner wrote last: then the states in its memory are still those of the store. */
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
