/** Keeps the place of the page (which view, actor and key) in the address behind the `#`, so that links, the back button and a copied address work. */

export interface Place {
  readonly view: 'live' | 'actors';
  /** Whose keys are listed. */
  readonly actor: string | undefined;
  /** How the keys begin. */
  readonly prefix: string;
  /** Whose state is shown. A built-in application has the empty key. */
  readonly key: string | undefined;
}

const ACTORS = '#actors';

export function placeOf(hash: string): Place {
  const [view = '', query = ''] = hash.split('?', 2);
  const found = new URLSearchParams(query);
  return {
    view: view === ACTORS ? 'actors' : 'live',
    actor: found.get('actor') ?? undefined,
    prefix: found.get('prefix') ?? '',
    key: found.get('key') ?? undefined,
  };
}

export function hashOf({ actor, prefix = '', key }: Partial<Place>): string {
  const query = new URLSearchParams();
  if (actor !== undefined) query.set('actor', actor);
  if (prefix !== '') query.set('prefix', prefix);
  if (key !== undefined) query.set('key', key);
  return query.size > 0 ? `${ACTORS}?${query}` : ACTORS;
}
