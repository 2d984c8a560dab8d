/** Which bodies the library is given as strings. */
import t from 'tap';
import { bodyOf } from '../../../src/http/body-text.js';

t.test('only ASCII is given to the library as a string', async (t) => {
  for (const text of ['', '{"n":1}', '\u007f']) t.equal(bodyOf(text), text);
  for (const text of ['\u0080', 'ü', '\u00ff', '漢字', '🐇'])
    t.strictSame(bodyOf(text), Buffer.from(text), text);
});
