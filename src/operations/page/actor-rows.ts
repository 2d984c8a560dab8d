/** Renders the answers of the Actors view. Rows that have not changed are kept, so focus, selection and screen readers are not disturbed. */
import { count, size } from './format.js';
import { hashOf, type Place } from './place.js';
import type { Listed, StoredState, Summary } from './store-questions.js';

/** A browser lays out so much at once, in characters. */
const MOST_TEXT = 200_000;

export function showSummary(body: HTMLElement, { actors }: Summary, { actor: chosen }: Place): void {
  const rows = actors.map(({ actor, count: number, bytes }) =>
    row(hashOf({ actor }), actor, actor === chosen, [count(number), size(bytes)]),
  );
  replace(body, rows);
}

export function showKeys(
  body: HTMLElement,
  listed: readonly Listed[],
  { actor, prefix, key: chosen }: Place,
): void {
  const rows = listed.map(({ key, bytes, version, commit }) =>
    row(hashOf({ ...(actor !== undefined && { actor }), prefix, key }), key || '(no key)', key === chosen, [
      size(bytes),
      version === undefined ? 'unreadable' : String(version),
      commit || '–',
    ]),
  );
  replace(body, rows);
}

/** @param stored undefined for an actor without a state. */
export function showState(
  figures: HTMLElement,
  text: HTMLElement,
  stored: StoredState | 'loading' | undefined,
): void {
  const { bytes, version, commit } = (stored === 'loading' ? undefined : stored) ?? {};
  const items: [string, string][] = [
    ['Size', size(bytes)],
    ['Version', version === undefined ? '–' : String(version)],
    ['Last commit', commit || '–'],
  ];
  const rows = items.map(([name, value]) => {
    const item = document.createElement('div');
    item.appendChild(document.createElement('dt')).textContent = name;
    item.appendChild(document.createElement('dd')).textContent = value;
    return item;
  });
  replace(figures, rows);
  const shown = textOf(stored);
  if (text.textContent !== shown) text.textContent = shown;
}

function textOf(stored: StoredState | 'loading' | undefined): string {
  if (stored === 'loading') return '';
  if (!stored) return 'This actor has no state.';
  if (stored.unreadable !== undefined) return `The state cannot be read: ${stored.unreadable}`;
  const text = JSON.stringify(stored.state, null, 2);
  if (text.length <= MOST_TEXT) return text;
  return `${text.slice(0, MOST_TEXT)}\n… and ${count(text.length - MOST_TEXT)} more characters`;
}

/** The first cell is a link. */
function row(href: string, name: string, isChosen: boolean, figures: readonly string[]): HTMLElement {
  const made = document.createElement('tr');
  const head = made.appendChild(document.createElement('th'));
  head.scope = 'row';
  const link = head.appendChild(document.createElement('a'));
  link.href = href;
  link.textContent = name;
  if (isChosen) link.setAttribute('aria-current', 'true');
  for (const figure of figures) made.appendChild(document.createElement('td')).textContent = figure;
  return made;
}

function replace(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const stands = [...parent.children];
  for (const [at, child] of children.entries()) {
    const old = stands[at];
    if (!old) parent.append(child);
    else if (!old.isEqualNode(child)) exchange(old, child);
  }
  for (const old of stands.slice(children.length)) old.remove();
}

/** A link that has the focus keeps it. */
function exchange(old: Element, child: HTMLElement): void {
  const focused = old.contains(document.activeElement);
  old.replaceWith(child);
  if (focused) child.querySelector('a')?.focus();
}
