/** The picture of the race: answers a second under its first load, on a logarithmic scale, coloured by what an answer promises. */
import { BarChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { count, figures } from '../report/table.js';
import { summarize } from '../statistics.js';
import type { RaceContestant } from './race-contestants.js';
import { LOADS, type RaceLoad, type RaceResults, workloadOf } from './race-results.js';

echarts.use([BarChart, GridComponent, TitleComponent, SVGRenderer]);

const WIDTH = 880;
const ROW_HEIGHT = 34;
const MARGIN_HEIGHT = 120;
/** Each has enough contrast on white and on near-black: the page's colour is not known. */
const INK = '#737d88';
const GRID = 'rgba(115, 125, 136, 0.3)';
const WARREN = '#e5534b';
const DURABLE = '#3b82f6';
const NOT_DURABLE = '#8d7b68';
const FONT = 'system-ui, -apple-system, Helvetica, Arial, sans-serif';

export function raceChart({ contestants, measurements }: RaceResults): string {
  const load = LOADS[0] as RaceLoad;
  const rows = contestants
    .map((contestant) => {
      const measurement = measurements.find(
        (each) => each.contestant === contestant.name && each.workload === workloadOf(load),
      );
      const value = measurement ? summarize(figures(measurement, 'requestsPerSecond')).median : Number.NaN;
      return { contestant, value };
    })
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value);
  const height = MARGIN_HEIGHT + ROW_HEIGHT * rows.length;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: FONT, color: INK },
    title: {
      text: `Add one to a durable counter over HTTP: answers a second (${workloadOf(load)})`,
      subtext: 'red and blue: on the disk before the answer; brown: not',
      left: 'center',
      top: 8,
      textStyle: { color: INK, fontSize: 16, fontWeight: 600 },
      subtextStyle: { color: INK, fontSize: 13 },
    },
    grid: { left: 290, right: 90, top: 70, bottom: 40 },
    xAxis: {
      type: 'log',
      min: 10,
      axisLabel: { color: INK, fontSize: 13, formatter: (value: number) => count(value) },
      splitLine: { show: true, lineStyle: { color: GRID } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ contestant }) => contestant.name),
      axisLabel: { color: INK, fontSize: 13 },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 22,
        data: rows.map(({ contestant, value }) => ({ value, itemStyle: { color: colourOf(contestant) } })),
        label: {
          show: true,
          position: 'right',
          color: INK,
          fontSize: 13,
          formatter: ({ value }: { value: unknown }) => count(Number(value)),
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function colourOf({ kind, durable }: RaceContestant): string {
  if (kind === 'warren') return WARREN;
  return durable ? DURABLE : NOT_DURABLE;
}
