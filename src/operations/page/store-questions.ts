/** The requests that the page sends to the admin listener about stored actors, and the shapes of the answers. */

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

export function askSummary(signal: AbortSignal): Promise<Summary> {
  return ask<Summary>('actors', {}, signal);
}

/**
 * The next keys. There may be more: a search for a rare prefix returns early, and the next request continues it.
 *
 * @param after where the keys before ended.
 */
export function askListing(
  actor: string,
  prefix: string,
  after: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<Listing> {
  const query = { actor, prefix, limit: String(limit), ...(after !== undefined && { after }) };
  return ask<Listing>('actors', query, signal);
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
