/** Which parts of the documents are generated, and from what. `main.ts` writes them; a test compares them. */
import { apiReference } from './api-reference.js';
import { read, withSection } from './markdown.js';
import { settingsTable } from './settings-table.js';

const SECTIONS = [
  { path: 'docs/configuration.md', name: 'settings', make: settingsTable },
  { path: 'docs/api.md', name: 'reference', make: apiReference },
] as const;

/** Path and text of each page as it should be. */
export function generatedPages(): [string, string][] {
  return SECTIONS.map(({ path, name, make }) => [path, withSection(read(path), name, make())]);
}
