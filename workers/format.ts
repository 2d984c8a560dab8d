/** Entry of a thread of the piscina pools: converts numbers of the sequence to decimal, and encodes replies with large bigints. */
export { convert as default } from '../src/residents/fibonacci/conversion.js';
export { replyText as encode } from '../src/runtime/reply-text.js';
