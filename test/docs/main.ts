/** `npm run docs`: writes the generated sections of the documents anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages } from './generated.js';
import { ROOT, read } from './markdown.js';

for (const [path, text] of generatedPages()) {
  if (read(path) === text) continue;
  writeFileSync(join(ROOT, path), text);
  console.log(`written: ${path}`);
}
