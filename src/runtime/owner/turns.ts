/**
 * Takes the turns of one shard, one after the other, and passes their changes to the gate. Owner thread only.
 *
 *   requests ──> load the states that are missing ──> turns, one after the other ──> gate ──> replies
 *
 * Invariant: between two turns, the states in memory are the stored states with the changes of the gate's groups applied. So when a group
 * is dropped, the memory is emptied, and the turns after it are taken again from the stored states.
 */
import { SIZE_ID } from '../../store/store-ids.js';
import { LEFT_OUT } from '../link/link-memory.js';
import type { OwnerLink } from '../link/owner-link.js';
import { LINK_PROBLEMS, NOTHING, PROBLEM } from '../link/reply-kind.js';
import type { OwnerClock } from '../owner-clock.js';
import { decodeKey } from './actor-key.js';
import { type AnswerRecords, recordIdOf, requestOf } from './answer-records.js';
import type { ServedMessage, Turn } from './behavior.js';
import type { FromOwner } from './events.js';
import type { Gate } from './gate.js';
import { type Found, MissingTexts } from './missing-texts.js';
import { idOf, type StateMemory, States } from './states.js';
import type { Tenure } from './tenure.js';

export interface TurnsOptions {
  readonly link: OwnerLink;
  readonly shard: number;
  readonly clocks: OwnerClock;
  /** By message number. */
  readonly messages: readonly ServedMessage[];
  readonly memory: StateMemory;
  readonly groupBytes: number;
  /** The random id of this process. Ids of turns begin with it. */
  readonly incarnation: string;
  readonly gate: Gate;
  readonly tenure: Tenure;
  readonly records: AnswerRecords;
  readonly post: (message: FromOwner) => void;
  /** Called when a behavior has failed. @param message its number. */
  readonly onFailure: (message: number, failure: string) => void;
  /** Called when a read of the store has ended. @param isDropped the memory was emptied since it began. */
  readonly onLoaded: (failure: unknown, isDropped: boolean) => void;
  /** Called when the text of a large reply is there: its turn can go on. */
  readonly onEncoded: () => void;
  /** Called when there is room for replies again. */
  readonly onRoom: () => void;
}

/** The most actors that one read loads. */
const LOAD_LIMIT = 1_000;

interface Encoding {
  /** Undefined until the reply is encoded. */
  turn: Turn | undefined;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #link: OwnerLink;
  readonly #states: States;
  #loading = false;
  /** The next turn was taken, and another thread encodes its reply. It has no effect until that is done. */
  #encoding: Encoding | undefined;
  /** Grows whenever the memory is emptied. What was being loaded at that time is then not added to it. */
  #generation = 0;
  /** The time that turns get as `now`. Read once per batch. */
  #now = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#link = options.link;
    this.#states = new States(options.memory);
  }

  /** Whether a read of the store is under way. */
  get loading(): boolean {
    return this.#loading;
  }

  /** Whether no turn waits for a read of the store, or for the text of a large reply. */
  get canTake(): boolean {
    return !this.#loading && (this.#encoding === undefined || this.#encoding.turn !== undefined);
  }

  /** Takes the turns that wait, until the group is full or something else has to come first. */
  take(): void {
    const { gate, memory } = this.#options;
    const link = this.#link;
    const end = link.look();
    this.#readClock();
    let { taken } = gate;
    while (taken < end && !gate.full && this.#takeTurn(taken, end)) taken += 1;
    link.turnsEnd();
    gate.advance(taken);
    if (!this.#loading) memory.trim();
  }

  /** Empties the memory. The gate has dropped its changes. */
  forget(): void {
    this.#generation += 1;
    this.dropEncoding();
    this.#states.clear();
  }

  /** Forgets the turn whose reply is being encoded. */
  dropEncoding(): void {
    this.#encoding = undefined;
  }

  /** No turn gets an earlier time. @param clock milliseconds since 1970. */
  notBefore(clock: number): void {
    this.#now = Math.max(this.#now, clock);
  }

  /** @returns whether the turn was taken. Otherwise a load, an encoding or room for replies has to come first; then turns are taken again. */
  #takeTurn(position: number, end: number): boolean {
    const link = this.#link;
    const number = link.messageAt(position);
    if (number === LEFT_OUT) return link.reply(position, NOTHING, 0, '');
    const { behavior, message, name } = this.#options.messages[number] as ServedMessage;
    const key = decodeKey(link.keyAt(position));
    if (key === undefined) return this.#reply(position, PROBLEM, LINK_PROBLEMS.indexOf('key-invalid'), '');
    const idempotency = link.idempotencyAt(position);
    let record = '';
    let request = '';
    if (idempotency !== '') {
      record = recordIdOf(idOf(behavior, key), idempotency);
      if (!this.#options.records.has(record)) {
        void this.#load(position, end);
        return false;
      }
      request = requestOf(name, idempotency, link.bodyAt(position));
      const answer = this.#options.records.answerTo(record, request);
      if (answer) {
        if (!this.#reply(position, answer.kind, answer.detail, answer.text)) return false;
        this.#options.records.used(record);
        return true;
      }
    }
    const entry = this.#states.find(behavior, key);
    if (!entry) {
      void this.#load(position, end);
      return false;
    }
    // An operator may replace what cannot be read.
    if (entry.unreadable !== undefined && message >= 0) {
      // The reason goes to the log only: it may contain parts of the state, or the error of a migration.
      return this.#reply(position, PROBLEM, LINK_PROBLEMS.indexOf('state-unreadable'), '');
    }
    let turn = this.#encoding?.turn;
    if (!turn) {
      link.turnBegins(position);
      const context = {
        id: `${this.#options.incarnation}-${this.#options.shard}-${position}`,
        now: this.#now,
        commit: entry.commit,
      };
      const taken = behavior.turn(message, entry.state, key, link.bodyAt(position), context);
      if (taken instanceof Promise) {
        void this.#encode(taken);
        return false;
      }
      turn = taken;
    }
    if (!this.#reply(position, turn.kind, turn.detail, turn.text)) return false;
    if (this.#encoding) this.#encoding = undefined;
    if (turn.change) {
      this.#states.change(entry, turn.change.state, turn.change.bytes);
      this.#options.gate.change(entry, turn.change.textBytes);
    }
    if (record !== '') {
      this.#options.records.add(record, request, turn);
      this.#options.records.used(record);
    }
    if (turn.failure !== undefined) this.#options.onFailure(number, turn.failure);
    return true;
  }

  /** Waits for the text of a large reply. Later turns wait too: those of the same actor need its state, and all replies are written in order. */
  async #encode(turn: Promise<Turn>): Promise<void> {
    const encoding: Encoding = { turn: undefined };
    this.#encoding = encoding;
    encoding.turn = await turn;
    // A turn that was dropped has no reply.
    if (this.#encoding === encoding) this.#options.onEncoded();
  }

  /** @returns false when there is no room: the front must collect released replies first. Then `onRoom` is called. */
  #reply(position: number, kind: number, detail: number, text: string): boolean {
    if (this.#link.reply(position, kind, detail, text)) return true;
    this.#link.waitForRoom(this.#options.onRoom);
    return false;
  }

  /** Loads the actors that the next turns need and that are not in memory, by one read of the store; only the first ones, when states are large. */
  async #load(from: number, end: number): Promise<void> {
    this.#options.memory.trim();
    const missing = new MissingTexts();
    for (let position = from; position < end && missing.count < LOAD_LIMIT; position++) {
      const number = this.#link.messageAt(position);
      const key = number === LEFT_OUT ? undefined : decodeKey(this.#link.keyAt(position));
      if (key === undefined) continue;
      const { behavior } = this.#options.messages[number] as ServedMessage;
      const idempotency = this.#link.idempotencyAt(position);
      if (idempotency !== '') {
        const record = recordIdOf(idOf(behavior, key), idempotency);
        if (!this.#options.records.isSizeKnown) missing.addRecord(SIZE_ID);
        if (!this.#options.records.has(record)) missing.addRecord(record);
      }
      if (!this.#states.has(behavior, key)) missing.add(behavior, key);
    }
    const generation = this.#generation;
    this.#loading = true;
    let failure: unknown;
    try {
      const found = await missing.load(this.#options.tenure, this.#options.groupBytes);
      if (generation === this.#generation) this.#remember(found);
    } catch (error) {
      failure = error;
    }
    this.#loading = false;
    this.#options.onLoaded(failure, generation !== this.#generation);
  }

  #remember({ actors, records }: Found): void {
    for (const [id, text] of records) this.#options.records.remember(id, text);
    for (const { behavior, key, state, bytes, commit, unreadable } of actors) {
      if (unreadable !== undefined) {
        this.#options.post({ kind: 'state-unreadable', id: idOf(behavior, key), reason: unreadable });
      }
      this.#states.add(behavior, key, state, bytes, commit, unreadable);
    }
  }

  /** Reads the wall clock. The time of turns never goes back. */
  #readClock(): void {
    this.notBefore(Math.floor(this.#options.clocks.wall()));
  }
}
