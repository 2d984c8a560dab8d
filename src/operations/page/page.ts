/** The live page. It keeps the samples that the server has sent and shows them, or shows the Actors view when the address asks for it. */
import { ActorsView } from './actors-view.js';
import { Charts } from './charts.js';
import { type ActorSample, type Entry, type Hello, listen, type Sample } from './feed.js';
import { amount, count, duration, megabytes, milliseconds } from './format.js';
import { showNodes } from './node-rows.js';
import { placeOf } from './place.js';

const WINDOW_MS = 300_000;
const KEPT_ENTRIES = 100;
/** An ask that waits for longer says that the owner hangs, or that the store does. */
const LATE_MS = 1000;

const PHASE_TEXTS: Readonly<Record<string, string>> = {
  away: 'store away',
  late: 'replies overdue',
  lost: 'no connection, trying again',
};

const charts = new Charts(element('charts'));
let about: Hello | undefined;
let samples: Sample[] = [];
let entries: Entry[] = [];

listen({
  hello(hello) {
    // A new process knows nothing of its predecessor; the page does.
    samples = [
      ...samples.filter(({ at }) => at < (hello.samples[0]?.at ?? hello.startedAt)),
      ...hello.samples,
    ];
    entries = [
      ...entries.filter(({ at }) => at < (hello.entries[0]?.at ?? hello.startedAt)),
      ...hello.entries,
    ];
    about = hello;
    element('faults').hidden = !hello.faults;
    showNodes(element('nodes'), hello.nodes);
    showPhase(phaseOf(samples.at(-1)));
    showAll();
  },
  sample(sample) {
    samples.push(sample);
    samples = samples.filter(({ at }) => at > sample.at - WINDOW_MS);
    showPhase(phaseOf(sample));
    showAll();
  },
  entry(entry) {
    entries = [...entries, entry].slice(-KEPT_ENTRIES);
    showEvents();
  },
  nodes: (nodes) => showNodes(element('nodes'), nodes),
  lost: () => showPhase('lost'),
});

const actorsView = new ActorsView();
addEventListener('hashchange', showView);
showView();

function showView(): void {
  const place = placeOf(location.hash);
  for (const view of ['live', 'actors']) element(`${view}-view`).hidden = view !== place.view;
  for (const link of document.querySelectorAll<HTMLElement>('nav [data-view]')) {
    if (link.dataset['view'] === place.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  actorsView.show(place);
}

const buttons = document.querySelectorAll<HTMLButtonElement>('button[data-fault]');
for (const button of buttons) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    const failure = await command(button.dataset['fault'] ?? '');
    element('fault-failure').textContent = failure && `${button.textContent}: ${failure}`;
    button.disabled = isLost();
  });
}

/** @returns why nothing was done; empty when it was. */
async function command(fault: string): Promise<string> {
  try {
    const answer = await fetch(`faults/${fault}`, { method: 'POST' });
    return answer.ok ? '' : ((await answer.json()) as { title: string }).title;
  } catch {
    return 'the server did not answer';
  }
}

function showAll(): void {
  charts.show(samples, entries);
  showEvents();
  const last = samples.at(-1);
  if (about) {
    const { version, node, store, durability, startedAt } = about;
    element('about').textContent =
      `${version} on Node ${node} · ${store}, ${durability} · up ${duration(Date.now() - startedAt)}`;
  }
  if (!last) return;
  const { rates, latency, commits, totals } = last;
  const figures: Record<string, string> = {
    index: count(last.residents.fibonacci?.index ?? 0),
    digits: count(last.residents.fibonacci?.digits ?? 0),
    rate: count(rates.commands + rates.queries),
    answers: count(totals.answers),
    p50: milliseconds(latency.p50),
    p99: milliseconds(latency.p99),
    pending: count(last.pending),
    oldest: milliseconds(last.oldestMs),
    group: amount(commits.group),
    commits: count(totals.commits),
    states: count(last.states.count),
    stateBytes: megabytes(last.states.bytes),
    deaths: count(totals.deaths),
    epoch: count(last.epoch),
  };
  for (const [name, text] of Object.entries(figures)) {
    const place = document.querySelector(`[data-figure="${name}"]`);
    if (place) place.textContent = text;
  }
  element('term').hidden = !last.residents.fibonacci;
  showActors(last.actors);
  element('heal').hidden = !last.faults?.storeDelayMs;
}

function showActors(actors: readonly ActorSample[]): void {
  const rows = actors.map(({ name, answers, refusals, problems, latency }) => {
    const row = document.createElement('tr');
    const head = row.appendChild(document.createElement('th'));
    head.scope = 'row';
    head.textContent = name;
    const figures = [
      count(answers),
      count(refusals),
      count(problems),
      milliseconds(latency.p50),
      milliseconds(latency.p99),
    ];
    for (const figure of figures) row.appendChild(document.createElement('td')).textContent = figure;
    return row;
  });
  element('actors').replaceChildren(...rows);
}

function phaseOf(sample: Sample | undefined): string {
  if (!sample) return 'starting';
  return sample.phase === 'serving' && sample.oldestMs > LATE_MS ? 'late' : sample.phase;
}

function isLost(): boolean {
  return element('phase').dataset['phase'] === 'lost';
}

function showPhase(phase: string): void {
  const pill = element('phase');
  if (pill.dataset['phase'] === phase) return;
  pill.dataset['phase'] = phase;
  pill.textContent = PHASE_TEXTS[phase] ?? phase;
  document.body.dataset['connection'] = isLost() ? 'lost' : 'open';
  for (const button of buttons) button.disabled = isLost();
}

function showEvents(): void {
  element('event-log').replaceChildren(
    ...entries.toReversed().map(({ at, kind, text }) => {
      const item = document.createElement('li');
      item.className = kind;
      const time = item.appendChild(document.createElement('time'));
      time.dateTime = new Date(at).toISOString();
      time.textContent = new Date(at).toLocaleTimeString('en-GB');
      item.appendChild(document.createElement('span')).textContent = text;
      return item;
    }),
  );
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
