/** Shows the nodes that share a Redis, and the shards of this one. The card is hidden where the process is not one of several nodes. */
import type { Nodes } from './feed.js';
import { count } from './format.js';

export function showNodes(card: HTMLElement, nodes: Nodes | undefined): void {
  card.hidden = !nodes;
  if (!nodes) return;
  const { node: own, owned, shards, coming, going } = nodes;
  const rows = nodes.nodes.map(({ node, state, placed, version, address }) => {
    const row = document.createElement('tr');
    row.dataset['state'] = state;
    const head = row.appendChild(document.createElement('th'));
    head.scope = 'row';
    head.textContent = node === own ? `${node} (this one)` : node;
    for (const text of [state, count(placed), version, address])
      row.appendChild(document.createElement('td')).textContent = text;
    return row;
  });
  card.querySelector('tbody')?.replaceChildren(...rows);
  const moves = coming + going === 0 ? 'none is about to move' : `${coming} to come, ${going} to go`;
  const note = card.querySelector('.note');
  if (note) note.textContent = `This node owns ${count(owned)} of ${count(shards)} shards; ${moves}.`;
}
