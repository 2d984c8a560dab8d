/** What the page asks the admin listener about the actors of the store: the shapes of `store-reader.ts`. */

export interface ActorCount {
  readonly actor: string;
  readonly count: number;
  readonly bytes: number;
}

export interface Summary {
  readonly actors: readonly ActorCount[];
  readonly ageMs: number;
}

export interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly version?: number;
  readonly commit?: string;
}

export interface Listing {
  readonly actors: readonly Listed[];
  readonly next?: string;
}

export interface StoredState extends Listed {
  readonly state?: unknown;
  readonly unreadable?: string;
}

/** Rows of a page. */
const LIMIT = 100;

export function askSummary(signal: AbortSignal): Promise<Summary> {
  return ask<Summary>('actors', {}, signal);
}

/**
 * One page, which is empty only at the end: a search for what is rare comes back with nothing from time to time, and goes on.
 *
 * @param after where the page before ended.
 */
export async function askListing(
  actor: string,
  prefix: string,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Listing> {
  let from = after;
  for (;;) {
    const query = { actor, prefix, limit: String(LIMIT), ...(from !== undefined && { after: from }) };
    const listing = await ask<Listing>('actors', query, signal);
    if (listing.actors.length > 0 || listing.next === undefined) return listing;
    from = listing.next;
  }
}

/** @returns undefined for an actor without a state. */
export async function askState(
  actor: string,
  key: string,
  signal: AbortSignal,
): Promise<StoredState | undefined> {
  try {
    return await ask<StoredState>('state', { actor, key }, signal);
  } catch (error) {
    if (error instanceof Refused && error.status === NOT_FOUND) return undefined;
    throw error;
  }
}

const NOT_FOUND = 404;

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws an error whose message says what to tell. */
async function ask<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${path}?${new URLSearchParams(query)}`, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error('the server does not answer');
  }
  const body: unknown = await response.json();
  if (response.ok) return body as T;
  const { title = `HTTP ${response.status}`, detail } = body as { title?: string; detail?: string };
  throw new Refused(response.status, detail ? `${title}: ${detail}` : title);
}
