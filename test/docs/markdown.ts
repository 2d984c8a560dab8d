/**
 * Markdown files of the repository as data: generated sections, code blocks, headings and links. A generated section stands between two
 * comments, `<!-- generated: NAME -->` and `<!-- end -->`; everything outside of them is written by hand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** @param path relative to the root of the repository. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** README.md and everything in docs/, relative to the root of the repository. */
export function documents(): string[] {
  const names = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)].sort();
}

/** @throws Error when the text has no such section. */
export function withSection(text: string, name: string, body: string): string {
  const begin = `<!-- generated: ${name} -->\n`;
  const end = '\n<!-- end -->';
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no generated section ${name}`);
  return `${text.slice(0, from + begin.length)}\n${body}\n${text.slice(to)}`;
}

export interface Block {
  /** Of the code, such as `sh`. */
  readonly language: string;
  /** What stands behind the language, such as `title=tickets.mjs`. */
  readonly info: string;
  readonly code: string;
}

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w+)(?: ([^\n]*))?\n(.*?)^```$/gms)].map(
    ([, language = '', info = '', code = '']) => ({ language, info, code }),
  );
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(text: string): Set<string> {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return new Set(
    [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replace(/ /g, '-'),
    ),
  );
}

/** With columns of equal width, as the formatter of the repository has them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...others] = all;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}
