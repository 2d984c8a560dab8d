/**
 * The Actors view: the actors of the store, the keys of one actor, and one state. It is read-only, and asks the server only while it is visible. Keys come in parts, so a
 * million of them cost the page nothing.
 */
import { showKeys, showState, showSummary } from './actor-rows.js';
import { count, duration } from './format.js';
import { hashOf, type Place, placeOf } from './place.js';
import { askListing, askState, askSummary, type Listed } from './store-questions.js';

const SUMMARY_MS = 5_000;
const STATE_MS = 2_000;
/** Redis finds keys by walking over all of them, the more at a time the more it is asked for: where there are few, it is asked for many. */
const PAGE_KEYS = 100;
const SPARSE = 10;
const MOST_KEYS = 1_000;
/** From a letter that is typed to the search. */
const TYPING_MS = 250;

export class ActorsView {
  #place: Place = placeOf('');
  /** Ended when something else is shown. */
  #shown = new AbortController();
  /** Where the page of keys begins, and the next one. */
  #after: string | undefined;
  #next: string | undefined;

  constructor() {
    const input = prefixInput();
    let typing: ReturnType<typeof setTimeout> | undefined;
    const search = () => {
      clearTimeout(typing);
      const { actor, prefix } = this.#place;
      // Going back leads to the last actor that was looked at, not to each letter.
      if (actor !== undefined && input.value !== prefix)
        location.replace(hashOf({ actor, prefix: input.value }));
    };
    input.addEventListener('input', () => {
      clearTimeout(typing);
      typing = setTimeout(search, TYPING_MS);
    });
    element('search').addEventListener('submit', (event) => {
      event.preventDefault();
      search();
    });
    element('next-page').addEventListener('click', () => void this.#turnTo(this.#next));
    element('first-page').addEventListener('click', () => void this.#turnTo(undefined));
  }

  show(place: Place): void {
    const { actor: before, prefix: prefixBefore, key: keyBefore } = this.#place;
    const { view, actor, prefix, key } = place;
    this.#place = place;
    this.#shown.abort();
    this.#shown = new AbortController();
    element('keys-card').hidden = actor === undefined;
    element('state-card').hidden = key === undefined;
    if (view !== 'actors') return;
    const { signal } = this.#shown;
    void repeat(SUMMARY_MS, signal, 'summary-status', () => this.#showSummary(signal));
    if (actor === undefined) return;
    if (actor !== before || prefix !== prefixBefore) {
      this.#after = undefined;
      prefixInput().value = prefix;
    }
    element('keys-title').textContent = `Keys of ${actor}`;
    void this.#turnTo(this.#after);
    if (key === undefined) return;
    element('state-title').textContent = key === '' ? actor : `${actor} / ${key}`;
    if (actor !== before || key !== keyBefore) {
      showState(element('state-figures'), element('state-text'), 'loading');
      element('state-title').focus();
    }
    void repeat(STATE_MS, signal, 'state-status', async () => {
      showState(element('state-figures'), element('state-text'), await askState(actor, key, signal));
      return '';
    });
  }

  async #showSummary(signal: AbortSignal): Promise<string> {
    const summary = await askSummary(signal);
    signal.throwIfAborted();
    showSummary(element('stored-actors'), summary, this.#place);
    const age = Math.floor(summary.ageMs / 60_000) > 0 ? `Counted ${duration(summary.ageMs)} ago.` : '';
    return summary.actors.length === 0 ? 'The store holds no actor yet.' : age;
  }

  /** @param after where the page begins. */
  async #turnTo(after: string | undefined): Promise<void> {
    const { signal } = this.#shown;
    const { actor = '', prefix } = this.#place;
    await told('keys-status', signal, async () => {
      const found: Listed[] = [];
      let next = after;
      let limit = PAGE_KEYS;
      do {
        const part = await askListing(actor, prefix, next, limit, signal);
        found.push(...part.actors);
        limit = part.actors.length < SPARSE ? MOST_KEYS : PAGE_KEYS;
        next = part.next;
        showKeys(element('stored-keys'), found, this.#place);
        if (next !== undefined) say('keys-status', 'Searching …');
      } while (next !== undefined && found.length < PAGE_KEYS);
      this.#after = after;
      this.#next = next;
      element('first-page').hidden = after === undefined;
      element('next-page').hidden = next === undefined;
      return sentenceOf(found.length, prefix, after !== undefined, next !== undefined);
    });
  }
}

function sentenceOf(keys: number, prefix: string, isLaterPage: boolean, hasMore: boolean): string {
  const one = keys === 1;
  const which = prefix === '' ? '' : ` that ${one ? 'begins' : 'begin'} with “${prefix}”`;
  if (keys === 0) return `There are no ${isLaterPage ? 'further ' : ''}keys${which}.`;
  const number = `${count(keys)} ${one ? 'key' : 'keys'}${which} ${one ? 'is' : 'are'} shown`;
  return hasMore ? `${number}; there are more.` : `${number}.`;
}

/** Until the signal; pauses while the page is hidden. */
async function repeat(
  everyMs: number,
  signal: AbortSignal,
  status: string,
  act: () => Promise<string>,
): Promise<void> {
  while (!signal.aborted) {
    if (!document.hidden) await told(status, signal, act);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Says what came of it, or why nothing did. What has an end is said once, or it would be read aloud again and again. */
async function told(status: string, signal: AbortSignal, act: () => Promise<string>): Promise<void> {
  let text: string;
  try {
    text = await act();
  } catch (error) {
    text = `Nothing newer can be shown: ${error instanceof Error ? error.message : error}.`;
  }
  if (!signal.aborted) say(status, text);
}

function say(status: string, text: string): void {
  const place = element(status);
  if (place.textContent !== text) place.textContent = text;
}

function prefixInput(): HTMLInputElement {
  return element('prefix') as HTMLInputElement;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
