/**
 * The charts: one per question an operator asks, five minutes wide, with the journal's events as vertical lines through
 * all of them. Colours come from the style sheet, so a change of the colour scheme redraws.
 */
import type { Entry, Sample } from './feed.js';
import { megabytes, milliseconds, percent, short } from './format.js';

type Colour = 'one' | 'two' | 'three' | 'low' | 'mid' | 'high';

interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly filled?: boolean;
  readonly value: (sample: Sample) => number | undefined;
}

interface ChartSpec {
  readonly title: string;
  readonly write: (value: number | undefined) => string;
  readonly logarithmic?: boolean;
  /** The axis reaches so far at the least. */
  readonly least: number;
  /** Steps between the axis' values, where round decimal ones would not do. */
  readonly increments?: readonly number[];
  readonly series: readonly Series[];
}

const WINDOW_S = 300;
/** What is shown of a process that has just started. */
const LEAST_WINDOW_S = 60;
const HEIGHT = 168;
/** Two samples further apart than this are not joined by a line, in milliseconds. */
const GAP_MS = 2500;

const SPECS: readonly ChartSpec[] = [
  {
    title: 'Answers a second',
    write: short,
    least: 10,
    series: [
      { name: 'next', colour: 'one', filled: true, value: ({ rates }) => rates.next },
      { name: 'reads', colour: 'two', value: ({ rates }) => rates.reads },
      { name: 'problems', colour: 'three', value: ({ rates }) => rates.problems },
    ],
  },
  {
    title: 'Latency, request to reply',
    write: milliseconds,
    logarithmic: true,
    least: 10,
    series: [
      { name: 'p50', colour: 'low', value: ({ latency }) => latency.p50 },
      { name: 'p90', colour: 'mid', value: ({ latency }) => latency.p90 },
      { name: 'p99', colour: 'high', value: ({ latency }) => latency.p99 },
    ],
  },
  {
    title: 'Pending asks',
    write: short,
    least: 10,
    series: [{ name: 'pending', colour: 'one', filled: true, value: ({ pending }) => pending }],
  },
  {
    title: 'Commit latency',
    write: milliseconds,
    logarithmic: true,
    least: 10,
    series: [
      { name: 'p50', colour: 'low', value: ({ commits }) => commits.latency.p50 },
      { name: 'p90', colour: 'mid', value: ({ commits }) => commits.latency.p90 },
      { name: 'p99', colour: 'high', value: ({ commits }) => commits.latency.p99 },
    ],
  },
  {
    title: 'What travels together',
    write: short,
    least: 4,
    series: [
      { name: 'numbers a commit', colour: 'one', value: ({ commits }) => commits.group },
      { name: 'messages a batch', colour: 'two', value: ({ batch }) => batch },
    ],
  },
  {
    title: 'Digits of the current term',
    write: short,
    least: 10,
    series: [{ name: 'digits', colour: 'one', filled: true, value: ({ digits }) => digits }],
  },
  {
    title: 'Busy threads',
    write: percent,
    least: 1,
    series: [
      { name: 'main', colour: 'one', value: ({ busy }) => busy.main },
      { name: 'owner', colour: 'two', value: ({ busy }) => busy.owner },
      { name: 'format', colour: 'low', value: ({ busy }) => busy.format },
    ],
  },
  {
    title: 'Memory',
    write: megabytes,
    least: 64 * 2 ** 20,
    increments: [4, 5, 6, 7, 8, 9, 10].map((power) => 2 ** power * 2 ** 20),
    series: [
      { name: 'resident', colour: 'one', filled: true, value: ({ residentBytes }) => residentBytes },
      { name: 'main heap', colour: 'two', value: ({ heapBytes }) => heapBytes.main },
      { name: 'owner heap', colour: 'low', value: ({ heapBytes }) => heapBytes.owner },
    ],
  },
];

const EVENT_COLOURS: Readonly<Record<string, string>> = {
  serving: '--good',
  started: '--good',
  away: '--warn',
  standby: '--warn',
  stopping: '--warn',
  died: '--bad',
  poisoned: '--bad',
  fatal: '--bad',
};

export class Charts {
  readonly #charts: readonly Chart[];

  constructor(parent: HTMLElement) {
    this.#charts = SPECS.map((spec) => new Chart(parent, spec));
    const redraw = () => {
      for (const chart of this.#charts) chart.build();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  /** @param samples in order of time. */
  show(samples: readonly Sample[], entries: readonly Entry[]): void {
    for (const chart of this.#charts) chart.show(samples, entries);
  }
}

class Chart {
  readonly #spec: ChartSpec;
  readonly #plotElement: HTMLElement;
  readonly #values: HTMLElement[];
  #plot: uPlot | undefined;
  #data: (number | null)[][];
  #entries: readonly Entry[] = [];

  constructor(parent: HTMLElement, spec: ChartSpec) {
    this.#spec = spec;
    this.#data = [[], ...spec.series.map(() => [])];
    const card = parent.appendChild(document.createElement('article'));
    card.className = 'chart';
    const header = card.appendChild(document.createElement('header'));
    header.appendChild(document.createElement('h2')).textContent = spec.title;
    this.#values = spec.series.map(({ name, colour }) => {
      const key = header.appendChild(document.createElement('span'));
      key.className = `key ${colour}`;
      key.append(name, ' ');
      return key.appendChild(document.createElement('b'));
    });
    this.#plotElement = card.appendChild(document.createElement('div'));
    this.#plotElement.className = 'plot';
    this.#plotElement.setAttribute('role', 'img');
    this.#plotElement.setAttribute('aria-label', `${spec.title}: chart of the last five minutes`);
    this.build();
    new ResizeObserver(() => {
      this.#plot?.setSize({ width: this.#plotElement.clientWidth, height: HEIGHT });
    }).observe(this.#plotElement);
  }

  show(samples: readonly Sample[], entries: readonly Entry[]): void {
    this.#entries = entries;
    const data: (number | null)[][] = [[], ...this.#spec.series.map(() => [])];
    let before = Number.POSITIVE_INFINITY;
    for (const sample of samples) {
      if (sample.at - before > GAP_MS) {
        data[0]?.push((before + 1) / 1000);
        for (const column of data.slice(1)) column.push(null);
      }
      before = sample.at;
      data[0]?.push(sample.at / 1000);
      for (const [at, { value }] of this.#spec.series.entries()) {
        const shown = value(sample);
        // A logarithmic axis has no zero.
        data[at + 1]?.push(shown === undefined || (this.#spec.logarithmic && shown <= 0) ? null : shown);
      }
    }
    this.#data = data;
    this.#plot?.setData(data as uPlot.AlignedData);
    this.#tell();
  }

  /** Anew, since a plot keeps the colours that it was made with. */
  build(): void {
    this.#plot?.destroy();
    const { series, write, least, logarithmic, increments } = this.#spec;
    const soft = colourOf('--soft');
    const axis: uPlot.Axis = {
      stroke: soft,
      font: '11px system-ui, sans-serif',
      grid: { stroke: colourOf('--grid'), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: this.#plotElement.clientWidth || 300,
      height: HEIGHT,
      padding: [8, 26, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: 'warren' }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => this.#window() },
        y: logarithmic
          ? { distr: 3, range: (_, low, high) => logRange(low, high) }
          : { range: linearRange(least) },
      },
      axes: [
        { ...axis, space: 70, size: 22, values: (_, ticks) => ticks.map(clock) },
        {
          ...axis,
          size: 58,
          space: 34,
          ...(logarithmic ? { splits: (_, __, low, high) => decades(low, high) } : {}),
          ...(increments ? { incrs: [...increments] } : {}),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : write(tick))),
        },
      ],
      series: [{}, ...series.map((one) => seriesOf(one))],
      hooks: { draw: [(plot) => this.#drawEvents(plot)], setCursor: [() => this.#tell()] },
    };
    this.#plot = new uPlot(options, this.#data as uPlot.AlignedData, this.#plotElement);
  }

  /** The last minutes, or as much of them as there is. */
  #window(): [number, number] {
    const now = Date.now() / 1000;
    const first = this.#data[0]?.[0] ?? now;
    return [Math.max(now - WINDOW_S, Math.min(first, now - LEAST_WINDOW_S)), now];
  }

  /** Beside each name: the value under the cursor, else the last one. */
  #tell(): void {
    const at = this.#plot?.cursor.idx ?? (this.#data[0]?.length ?? 0) - 1;
    for (const [number, element] of this.#values.entries()) {
      element.textContent = this.#spec.write(this.#data[number + 1]?.[at] ?? undefined);
    }
  }

  #drawEvents(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { at, kind } of this.#entries) {
      const colour = EVENT_COLOURS[kind];
      const x = Math.round(plot.valToPos(at / 1000, 'x', true));
      if (!colour || x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = colourOf(colour);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
}

function seriesOf({ colour, filled }: Series): uPlot.Series {
  const stroke = colourOf(`--${colour}`);
  return { stroke, width: 1.75, points: { show: false }, ...(filled ? { fill: `${stroke}22` } : {}) };
}

function linearRange(least: number): uPlot.Range.Function {
  return (_, __, high) => [0, Math.max(least, (high ?? 0) * 1.1)];
}

/** Whole decades, two at the least. */
function logRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  const from = Math.floor(Math.log10(low ?? 1));
  const to = Math.ceil(Math.log10(high ?? 10));
  return [10 ** from, 10 ** Math.max(to, from + 2)];
}

function decades(low: number, high: number): number[] {
  const from = Math.round(Math.log10(low));
  const to = Math.round(Math.log10(high));
  return Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { timeStyle: 'medium' });
}

function colourOf(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
