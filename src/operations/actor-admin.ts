/**
 * Serves the actors of the store to operators: the owner thread reads them between turns, and edits take their turn among the messages of the actor. Part of the admin
 * listener, on the main thread. The command line and the live page use it.
 *
 *   GET    /store                                       which store that is
 *   GET    /actors                                      counts and sizes, actor by actor
 *   GET    /actors?actor=A&prefix=P&after=…&limit=N     keys, with the commit and the size of each
 *   GET    /state?actor=A&key=K                         one state
 *   PUT    /state?actor=A&key=K&if=COMMIT               replaces it; the body is the state as in the store
 *   DELETE /state?actor=A&key=K&if=COMMIT               deletes it
 *   GET    /export                                      everything, line by line
 *
 * Every node reads the whole store. An edit is taken by the node that has the actor; any other node answers 421 and names that one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, PROBLEMS, type ProblemCode } from '../errors.js';
import type { Router } from '../nodes/router.js';
import type { Definition } from '../runtime/definition.js';
import type { OwnerHandle } from '../runtime/front/owner-handle.js';
import type { Responder } from '../runtime/front/request-queue.js';
import type { ReplyView } from '../runtime/link/front-link.js';
import { LINK_PROBLEMS, NO_REPLY, REFUSAL } from '../runtime/link/reply-kind.js';
import { EDITS, editBody, FORGET, SET } from '../runtime/owner/edit.js';
import type { StoredState, StoreQuestion } from '../runtime/owner/store-reader.js';
import { commitText } from '../store/commit-id.js';

export interface ActorAdminOptions {
  readonly owner: OwnerHandle;
  /** Undefined where this process is not one of several nodes. */
  readonly nodes: Pick<Router, 'instance' | 'nodes' | 'isHere' | 'placedOn'> | undefined;
  readonly definitions: readonly Definition[];
  /** Number of the first edit among the messages of all actors. */
  readonly firstEdit: number;
  /** Where the store is, and what it is. */
  readonly place: () => string;
  readonly stateLimitBytes: number;
}

const PATHS = ['/store', '/actors', '/state', '/export'];
const KEY_BYTES = 256;
const LIST_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;
/** Around a state: the commit, and blanks. */
const BODY_ROOM = 64 * 1024;
/** A reader that takes nothing for so long is given up, in milliseconds. */
const PATIENCE_MS = 60_000;

/** A part of some tens of kilobytes is due in so many milliseconds: ten megabytes a second. */
const PART_MS = 3;

interface Answer {
  readonly status: number;
  readonly body: object | undefined;
}

export class ActorAdmin {
  readonly #options: ActorAdminOptions;

  constructor(options: ActorAdminOptions) {
    this.#options = options;
  }

  /** @returns false when the path is not one of these. */
  async answer(
    { pathname, searchParams }: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> {
    if (!PATHS.includes(pathname)) return false;
    const { method = '' } = request;
    const reads = method === 'GET' || method === 'HEAD';
    if (pathname === '/export' && method === 'GET') await this.#export(response);
    else if (reads && pathname !== '/export') end(response, await this.#read(pathname, searchParams));
    else if (pathname === '/state' && (method === 'PUT' || method === 'DELETE')) {
      end(response, await this.#edit(method, searchParams, request));
    } else {
      response.setHeader('Allow', pathname === '/state' ? 'GET, HEAD, PUT, DELETE' : 'GET, HEAD');
      end(response, failed(405, 'This path does not answer to this method'));
    }
    return true;
  }

  async #read(pathname: string, query: URLSearchParams): Promise<Answer> {
    const { owner, place } = this.#options;
    if (pathname === '/store') return found({ store: place(), serving: owner.serving });
    const actor = query.get('actor');
    const key = query.get('key');
    if (pathname === '/actors' && actor === null) return this.#ask({ kind: 'summary' });
    if (actor === null) return failed(400, 'The actor is not named');
    if (pathname === '/state') {
      if (key === null) return failed(400, 'The key is not named');
      const answer = await this.#ask({ kind: 'state', actor, key });
      return answer.body ? withState(answer.body as StoredState) : failed(404, 'This actor has no state');
    }
    const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT) {
      return failed(400, `limit must be an integer from 1 to ${LIST_LIMIT}`);
    }
    const after = query.get('after') ?? undefined;
    return this.#ask({ kind: 'list', actor, prefix: query.get('prefix') ?? '', after, limit });
  }

  async #ask(question: StoreQuestion): Promise<Answer> {
    try {
      return found((await this.#options.owner.readStore(question)) as object | undefined);
    } catch (error) {
      return failed(503, 'The store cannot be read now', messageOf(error));
    }
  }

  async #edit(method: string, query: URLSearchParams, request: IncomingMessage): Promise<Answer> {
    const { owner, nodes, definitions, firstEdit, stateLimitBytes } = this.#options;
    const [actor, key] = [query.get('actor'), query.get('key') ?? ''];
    const at = definitions.findIndex(({ name }) => name === actor);
    if (at < 0) return failed(404, 'No such actor is served here');
    if (key === '' || Buffer.byteLength(key) > KEY_BYTES) return problem('key-invalid');
    const state = method === 'PUT' ? await textOf(request, stateLimitBytes + BODY_ROOM) : '';
    if (state === undefined) return problem('body-too-large');
    const body = editBody(query.get('if') ?? undefined, state);
    const number = firstEdit + EDITS.length * at + EDITS.indexOf(method === 'PUT' ? SET : FORGET);
    const path = encodeURIComponent(key);
    const shard = owner.shardOf(number, path);
    if (nodes && !nodes.isHere(shard)) return this.#elsewhere(shard);
    const answer = await new Promise<Answer | undefined>((resolve) => {
      owner.askIn(shard, number, path, body, new EditAnswer(resolve), '');
    });
    return answer ?? this.#elsewhere(shard);
  }

  /** Nothing has happened: another node has the shard. */
  #elsewhere(shard: number): Answer {
    const { nodes } = this.#options;
    const holder = nodes?.placedOn(shard);
    // It waits for the shard, or it is alone.
    if (!nodes || holder === undefined || holder === nodes.instance) return problem('standby');
    const address = nodes.nodes.find(({ instance }) => instance === holder)?.address;
    const detail = `Ask the admin listener of the node ${holder}, whose address for other nodes is ${address}.`;
    const { status, body } = problem('misdirected', detail);
    return { status, body: { ...body, holder } };
  }

  /** Asks for a part when the part before is being sent, so that neither thread holds more than one. */
  async #export(response: ServerResponse): Promise<void> {
    const { owner } = this.#options;
    let stream: number | undefined;
    let due = performance.now();
    response.setTimeout(PATIENCE_MS, () => response.destroy());
    try {
      stream = (await owner.readStore({ kind: 'begin-export' })) as number;
      for (;;) {
        const part = (await owner.readStore({ kind: 'next-part', stream })) as Uint8Array | undefined;
        if (!response.headersSent) {
          response.writeHead(200, { 'Content-Type': 'application/jsonl', 'Cache-Control': 'no-store' });
        }
        if (!part || response.destroyed) break;
        due += PART_MS;
        if (!response.write(part)) {
          await taken(response);
        }
        // At full speed an export would take a processor whole, and commands would wait for it.
        const early = due - performance.now();
        if (early >= 1) await delay(early);
      }
      response.end();
    } catch (error) {
      // The reader sees that the export is incomplete: its last line is missing.
      if (response.headersSent) response.destroy();
      else end(response, failed(503, 'The store cannot be read now', messageOf(error)));
    } finally {
      if (stream !== undefined) await owner.readStore({ kind: 'end-export', stream }).catch(() => {});
    }
  }
}

/** Waits for the turn of an edit. The answer is undefined when another instance has the shard. */
class EditAnswer implements Responder {
  readonly #resolve: (answer: Answer | undefined) => void;

  constructor(resolve: (answer: Answer | undefined) => void) {
    this.#resolve = resolve;
  }

  reply(view: ReplyView, bytes: Buffer): void {
    const { kind, detail, offset, length } = view;
    const text = bytes.toString('utf8', offset, offset + length);
    if (kind === NO_REPLY) {
      // Without durability no commit is known yet.
      this.#resolve(found({ commit: view.epoch === 0 ? undefined : commitText(view) }));
    } else if (kind === REFUSAL) {
      const { code, details } = JSON.parse(`{${text}}`);
      const title = `Its last commit is ${details.commit || 'under way'}`;
      this.#resolve({ status: detail, body: { ...failed(detail, title).body, code, ...details } });
    } else if (LINK_PROBLEMS[detail] === 'standby') this.#resolve(undefined);
    else this.#resolve(problem(LINK_PROBLEMS[detail] ?? 'internal', text));
  }

  refuse(code: ProblemCode): void {
    this.#resolve(code === 'standby' ? undefined : problem(code));
  }
}

/** Undefined when it is longer. */
async function textOf(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes <= limitBytes) pieces.push(piece);
  }
  return bytes > limitBytes ? undefined : Buffer.concat(pieces).toString();
}

/** Resolves when the reader has taken what was written, or is gone. */
function taken(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });
}

function found(body: object | undefined): Answer {
  return { status: 200, body };
}

function withState({ state, ...about }: StoredState): Answer {
  return found(state === undefined ? about : { ...about, state: JSON.parse(state) });
}

function failed(status: number, title: string, detail?: string): Answer {
  return { status, body: { type: 'about:blank', title, status, detail } };
}

function problem(code: ProblemCode, detail?: string): Answer {
  const { status, title } = PROBLEMS[code];
  return {
    status,
    body: { type: `urn:warren:problem:${code}`, title, status, code, detail: detail || undefined },
  };
}

function end(response: ServerResponse, { status, body }: Answer): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
