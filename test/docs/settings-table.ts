/** The table of settings in `docs/configuration.md`, made from `src/config/variables.ts`. */
import { VARIABLES } from '../../src/config/variables.js';
import { table } from './markdown.js';

export function settingsTable(): string {
  const rows = Object.entries(VARIABLES).map(([name, { fallback, meaning, ...rest }]) => [
    `\`${name}\``,
    fallback === '' ? '–' : `\`${fallback}\``,
    'setting' in rest ? 'yes' : '–',
    meaning,
  ]);
  return table(['variable', 'default', 'library', 'meaning'], rows);
}
