/** Reads the files of the live page once, from this package and from the chart library. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const require = createRequire(import.meta.url);
const own = (name: string) => new URL(`page/${name}`, import.meta.url);

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

const PLACES: Readonly<Record<string, readonly [type: string, place: URL | string]>> = {
  '/': [HTML, own('index.html')],
  '/page.css': [CSS, own('page.css')],
  '/page.js': [SCRIPT, own('page.js')],
  '/actor-rows.js': [SCRIPT, own('actor-rows.js')],
  '/actors-view.js': [SCRIPT, own('actors-view.js')],
  '/charts.js': [SCRIPT, own('charts.js')],
  '/chart-specs.js': [SCRIPT, own('chart-specs.js')],
  '/colours.js': [SCRIPT, own('colours.js')],
  '/event-lines.js': [SCRIPT, own('event-lines.js')],
  '/feed.js': [SCRIPT, own('feed.js')],
  '/format.js': [SCRIPT, own('format.js')],
  '/node-rows.js': [SCRIPT, own('node-rows.js')],
  '/place.js': [SCRIPT, own('place.js')],
  '/store-questions.js': [SCRIPT, own('store-questions.js')],
  '/icon.svg': ['image/svg+xml', own('icon.svg')],
  '/uplot.js': [SCRIPT, 'uplot/dist/uPlot.iife.min.js'],
  '/uplot.css': [CSS, 'uplot/dist/uPlot.min.css'],
};

/**
 * The page loads files of this origin only and may not be framed, since its buttons end threads.
 */
export const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const read = new Map<string, PageFile>();

export function pageFile(path: string): PageFile | undefined {
  const known = read.get(path);
  if (known || !Object.hasOwn(PLACES, path)) return known;
  const [type, place] = PLACES[path] as readonly [string, URL | string];
  const file = { type, body: readFileSync(typeof place === 'string' ? require.resolve(place) : place) };
  read.set(path, file);
  return file;
}
