/**
 * Draws the charts: the last five minutes, with events as vertical lines. Colours come from the style sheet, so a change of the colour scheme redraws them.
 */
import { type ChartSpec, type Series, SPECS } from './chart-specs.js';
import { colourOf } from './colours.js';
import { drawEvents } from './event-lines.js';
import type { Entry, Sample } from './feed.js';

const WINDOW_S = 300;
/** What is shown of a process that has just started. */
const LEAST_WINDOW_S = 60;
const HEIGHT = 168;
/** Beside the plot, in pixels: room for the values of the axis, and for half a point. */
const LEFT = 58;
const RIGHT = 8;
/** Of a time below the plot, in pixels. */
const CLOCK_WIDTH = 56;
/** Two samples further apart than this are not joined by a line, in milliseconds. */
const GAP_MS = 2500;

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
  readonly #time = document.createElement('time');
  #plot: uPlot | undefined;
  #data: (number | null)[][];
  #entries: readonly Entry[] = [];
  readonly #card: HTMLElement;

  constructor(parent: HTMLElement, spec: ChartSpec) {
    this.#spec = spec;
    this.#data = [[], ...spec.series.map(() => [])];
    const card = parent.appendChild(document.createElement('article'));
    card.className = 'chart';
    this.#card = card;
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
    this.#time.className = 'cursor-time';
    this.#time.hidden = true;
    this.build();
    new ResizeObserver(() => {
      const width = this.#plotElement.clientWidth;
      // Not while it is hidden.
      if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
    }).observe(this.#plotElement);
  }

  show(samples: readonly Sample[], entries: readonly Entry[]): void {
    this.#entries = entries;
    const { resident } = this.#spec;
    this.#card.hidden = resident !== undefined && !samples.at(-1)?.residents[resident];
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
      padding: [8, RIGHT, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: 'warren' }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => this.#window() },
        y: logarithmic
          ? { distr: 3, range: (_, low, high) => logRange(low, high) }
          : { range: linearRange(least) },
      },
      axes: [
        { ...axis, space: 70, size: 22, values: clocks },
        {
          ...axis,
          size: LEFT,
          space: 34,
          ...(logarithmic ? { splits: (_, __, low, high) => decades(low, high) } : {}),
          ...(increments ? { incrs: [...increments] } : {}),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : write(tick))),
        },
      ],
      series: [{}, ...series.map((one) => seriesOf(one))],
      hooks: {
        ready: [(plot) => plot.over.appendChild(this.#time)],
        draw: [(plot) => drawEvents(plot, this.#entries)],
        setCursor: [(plot) => this.#point(plot)],
      },
    };
    this.#plot = new uPlot(options, this.#data as uPlot.AlignedData, this.#plotElement);
  }

  /** The last minutes, or as much of them as there is. */
  #window(): [number, number] {
    const now = Date.now() / 1000;
    const first = this.#data[0]?.[0] ?? now;
    return [Math.max(now - WINDOW_S, Math.min(first, now - LEAST_WINDOW_S)), now];
  }

  /** The cursor's time stands below its line, within the plot. */
  #point(plot: uPlot): void {
    const { left = -1 } = plot.cursor;
    this.#time.hidden = left < 0;
    if (left >= 0) {
      this.#time.textContent = clock(plot.posToVal(left, 'x'));
      const most = plot.over.clientWidth - CLOCK_WIDTH / 2 + RIGHT;
      this.#time.style.left = `${Math.min(Math.max(left, CLOCK_WIDTH / 2), most)}px`;
    }
    this.#tell();
  }

  /** Which sample the cursor is on; none where there are none near it. */
  #pointed(): number | undefined {
    const { left = -1, idx } = this.#plot?.cursor ?? {};
    if (!this.#plot || left < 0 || typeof idx !== 'number') return undefined;
    const away = Math.abs((this.#data[0]?.[idx] ?? 0) - this.#plot.posToVal(left, 'x'));
    return away * 1000 > GAP_MS ? -1 : idx;
  }

  /** Beside each name: the value under the cursor, else the last one. */
  #tell(): void {
    const at = this.#pointed() ?? (this.#data[0]?.length ?? 0) - 1;
    for (const [number, element] of this.#values.entries()) {
      element.textContent = this.#spec.write(this.#data[number + 1]?.[at] ?? undefined);
    }
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

/** None at the very right, where it would not fit. */
function clocks(plot: uPlot, ticks: number[]): string[] {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const perSecond = (plot.width - LEFT - RIGHT) / (max - min);
  return ticks.map((tick) => ((max - tick) * perSecond + RIGHT < CLOCK_WIDTH / 2 ? '' : clock(tick)));
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { timeStyle: 'medium' });
}
