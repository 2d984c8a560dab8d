/**
 * The pictures of a run, as SVG files rendered without a browser. They stand on a page whose colour is not known:
 * the ground is transparent, and every colour has enough contrast on white and on near-black.
 */
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { CEILING, EXACT_PEERS } from '../contestants.js';
import type { Measurement, ScenarioResult } from '../measurement.js';
import { ratios, summarize } from '../statistics.js';
import { figures } from './table.js';

echarts.use([
  BarChart,
  LineChart,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  SVGRenderer,
]);

export interface Chart {
  readonly file: string;
  readonly svg: string;
}

const WIDTH = 880;
const HEIGHT = 480;
const INK = '#737d88';
const GRID = 'rgba(115, 125, 136, 0.3)';
/** Without quotes, which the renderer would put into an attribute as they are. */
const FONT = 'system-ui, -apple-system, Helvetica, Arial, sans-serif';
const FONT_SIZE = 14;
/** About so many names of the legend fit a line. */
const LEGEND_COLUMNS = 4;
const LEGEND_ROW_HEIGHT = 24;
/** Width of a letter, as a part of the size of the font: that of wide fonts, since nobody knows which the reader has. */
const LETTER_WIDTH = 0.61;
echarts.setPlatformAPI({
  measureText: (text, font) => ({
    width: text.length * LETTER_WIDTH * Number(/([\d.]+)px/.exec(font ?? '')?.[1] ?? FONT_SIZE),
  }),
});
const WARREN = '#e5534b';
const PALETTE = ['#3b82f6', '#c69026', '#8b72be', '#2da44e', '#0e9aa7', '#d4679f', '#8d7b68'];

/** Warren stands out, the ceiling is a dashed line, and a peer has the same colour in every picture. */
function styleOf(contestant: string, others: readonly string[]) {
  if (contestant === CEILING.name) return { color: INK, type: 'dashed' as const, width: 2 };
  const peers = [
    ...EXACT_PEERS.map(({ name }) => name),
    ...others.filter((name) => !name.startsWith('Warren')),
  ];
  const at = [...new Set(peers)].indexOf(contestant);
  if (at >= 0) return { color: PALETTE[at % PALETTE.length] as string, type: 'solid' as const, width: 2 };
  const kinds = others.filter((name) => name.startsWith('Warren'));
  const second = kinds.indexOf(contestant) > 0;
  return { color: second ? '#c4632a' : WARREN, type: 'solid' as const, width: 3.5 };
}

/** Those for which this run has the figures. */
export function chartsOf(results: readonly ScenarioResult[]): Chart[] {
  const measurements = (key: string) => results.find((result) => result.key === key)?.measurements ?? [];
  const sized = measurements('c').filter(({ digits }) => digits !== undefined);
  const [paced, closed] = [measurements('e'), measurements('a')];
  const latencies =
    paced.length > 0 ? paced.filter(({ workload }) => workload.startsWith('/next')) : firstOf(closed);
  return [
    ...(sized.length > 0 ? [{ file: 'throughput-by-digits.svg', svg: throughput(sized) }] : []),
    ...(latencies.length > 0 ? [{ file: 'latency.svg', svg: latency(latencies) }] : []),
    ...(measurements('f').length > 0 ? [{ file: 'durability.svg', svg: durability(measurements('f')) }] : []),
  ];
}

function firstOf(measurements: readonly Measurement[]): Measurement[] {
  return measurements.filter(({ workload }) => workload === measurements[0]?.workload);
}

function throughput(measurements: readonly Measurement[]): string {
  const names = [...new Set(measurements.map(({ contestant }) => contestant))];
  return draw({
    ...frame('Requests a second, by decimal digits of the number', names),
    xAxis: { ...axis('decimal digits'), type: 'log', min: 10, max: 1_000_000 },
    yAxis: { ...axis('requests/s'), type: 'log' },
    series: names.map((name) => ({
      ...line(name, names),
      data: measurements
        .filter(({ contestant }) => contestant === name)
        .map((measurement) => [
          measurement.digits ?? 0,
          Math.max(1, summarize(figures(measurement, 'requestsPerSecond')).median),
        ]),
    })),
  });
}

function latency(measurements: readonly Measurement[]): string {
  const names = measurements.map(({ contestant }) => contestant);
  return draw({
    ...frame(`Latency: ${measurements[0]?.workload}`, names),
    xAxis: { ...axis('percentile'), type: 'category', boundaryGap: false, data: ['50', '90', '99', '99.9'] },
    yAxis: { ...axis('ms'), type: 'log' },
    series: measurements.map((measurement) => ({
      ...line(measurement.contestant, names),
      data: (['p50', 'p90', 'p99', 'p999'] as const).map((part) =>
        Math.max(0.001, summarize(figures(measurement, part)).median),
      ),
    })),
  });
}

/** One bar for each store and mode, as a part of the ceiling of the same run. */
function durability(measurements: readonly Measurement[]): string {
  const [ceiling, ...others] = measurements as [Measurement, ...Measurement[]];
  const shares = others.map((measurement) =>
    ratios(figures(measurement, 'requestsPerSecond'), figures(ceiling, 'requestsPerSecond')),
  );
  const names = others.map(({ contestant }) => contestant.replace(/^Warren /, ''));
  return draw({
    ...frame('What durability costs: throughput as a part of the ceiling', []),
    grid: { left: 210, right: 50, top: 60, bottom: 64 },
    xAxis: {
      ...axis('throughput, ceiling = 1'),
      type: 'value',
      min: 0,
      interval: 0.2,
      // Room for the label at the end of the longest bar.
      max: Math.ceil(5 * Math.max(1.1, ...shares.map(({ median }) => median + 0.1))) / 5,
    },
    yAxis: {
      ...axis(''),
      type: 'category',
      inverse: true,
      data: names,
      splitLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 28,
        data: shares.map(({ median }, at) => ({
          value: median,
          itemStyle: { color: names[at]?.startsWith('gated') ? WARREN : PALETTE[0] },
        })),
        label: {
          show: true,
          position: 'right',
          color: INK,
          fontSize: FONT_SIZE,
          formatter: ({ value }: { value: unknown }) => Number(value).toFixed(2),
        },
        markLine: {
          silent: true,
          symbol: 'none',
          label: { show: false },
          lineStyle: { color: INK, type: 'dashed', width: 2 },
          data: [{ xAxis: 1 }],
        },
      },
    ],
  });
}

function frame(title: string, legend: readonly string[]) {
  const rows = Math.ceil(legend.length / LEGEND_COLUMNS);
  return {
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: FONT, color: INK },
    title: { text: title, left: 'center', top: 8, textStyle: { color: INK, fontSize: 17, fontWeight: 600 } },
    legend: {
      bottom: 8,
      data: [...legend],
      itemWidth: 30,
      itemGap: 14,
      textStyle: { color: INK, fontSize: 13 },
    },
    grid: { left: 90, right: 50, top: 60, bottom: 72 + rows * LEGEND_ROW_HEIGHT },
  };
}

function axis(name: string) {
  return {
    name,
    nameLocation: 'middle' as const,
    nameGap: name.includes('/s') || name === 'ms' ? 66 : 34,
    nameTextStyle: { color: INK, fontSize: FONT_SIZE },
    axisLabel: {
      color: INK,
      fontSize: FONT_SIZE,
      formatter: (value: number | string) => value.toLocaleString('en-US'),
    },
    axisLine: { show: true, lineStyle: { color: INK } },
    splitLine: { show: true, lineStyle: { color: GRID } },
  };
}

function line(name: string, others: readonly string[]) {
  const { color, type, width } = styleOf(name, others);
  return {
    type: 'line' as const,
    name,
    symbol: 'circle',
    symbolSize: 7,
    itemStyle: { color },
    lineStyle: { color, type, width },
    z: name.startsWith('Warren') ? 3 : 2,
  };
}

function draw(option: Parameters<echarts.EChartsType['setOption']>[0]): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
