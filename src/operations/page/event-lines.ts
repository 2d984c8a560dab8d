/**
 * Draws events as vertical lines into a chart. Events that are closer than a pixel, such as a death and the start of the next owner, become one line with the
 * colour of the worst.
 */
import { colourOf } from './colours.js';
import type { Entry } from './feed.js';

const COLOURS = ['--good', '--warn', '--bad'];
/** Index into the colours: the higher, the worse. What is missing has no line. */
const SEVERITY: Readonly<Record<string, number>> = {
  serving: 0,
  started: 0,
  away: 1,
  standby: 1,
  stopping: 1,
  died: 2,
  poisoned: 2,
  fatal: 2,
};
/** Lines closer than this are one, in pixels of the page. */
const APART = 4;

interface Line {
  readonly x: number;
  severity: number;
}

/** @param entries in order of time. */
export function drawEvents(plot: uPlot, entries: readonly Entry[]): void {
  const { ctx, bbox } = plot;
  const lines: Line[] = [];
  for (const { at, kind } of entries) {
    const severity = SEVERITY[kind];
    const x = Math.round(plot.valToPos(at / 1000, 'x', true));
    if (severity === undefined || x < bbox.left || x > bbox.left + bbox.width) continue;
    const last = lines.at(-1);
    if (last && x - last.x < APART * devicePixelRatio) last.severity = Math.max(severity, last.severity);
    else lines.push({ x, severity });
  }
  ctx.save();
  ctx.lineWidth = Math.max(1, Math.round(devicePixelRatio));
  // A line of odd width is sharp when its middle lies in the middle of a pixel.
  ctx.translate((ctx.lineWidth % 2) / 2, 0);
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { x, severity } of lines) {
    ctx.strokeStyle = colourOf(COLOURS[severity] as string);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
