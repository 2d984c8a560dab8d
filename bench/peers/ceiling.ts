/**
 * The ceiling: bare uWebSockets.js in one thread, with the headers of Warren's answers and a body of the right size
 * that nobody computes. `/next` moves a counter, so that its body grows as the real one does; all digits are ones.
 * Nothing behind the same front can be faster.
 */
import { digitsAt } from '../digits.js';
import { MEMBERS, type Member } from './big-sequence.js';
import { peerSetup } from './peer-setup.js';
import { LARGE_BYTES, listen, uws, writeHead } from './uws-listen.js';

/** The body of one member, made anew only when its length changes. */
class Body {
  readonly #head: string;
  #buffer: Buffer;
  #digits = 0;
  #body: string | Uint8Array = '';

  constructor(member: Member) {
    this.#head = `{"${member}": `;
    this.#buffer = Buffer.from(this.#head);
  }

  withDigits(digits: number): string | Uint8Array {
    if (digits !== this.#digits) this.#body = this.#resize(digits);
    return this.#body;
  }

  #resize(digits: number): string | Uint8Array {
    const head = this.#head.length;
    const length = head + digits + 1;
    if (length > this.#buffer.length) {
      this.#buffer = Buffer.alloc(2 * length, '1');
      this.#buffer.write(this.#head);
    } else if (this.#digits > 0) this.#buffer.write('1', head + this.#digits);
    this.#buffer.write('}', head + digits);
    this.#digits = digits;
    const body = this.#buffer.subarray(0, length);
    return length < LARGE_BYTES ? body.toString('latin1') : body;
  }
}

const setup = peerSetup();
const app = uws.App();
let index = setup.initialIndex;
for (const member of MEMBERS) {
  const body = new Body(member);
  app.get(`/${member}`, (res) => {
    if (member === 'next') index += 1;
    const shown = member === 'previous' ? Math.max(0, index - 1) : index;
    writeHead(res, shown).end(body.withDigits(digitsAt(shown)));
  });
}
listen(app, setup);
