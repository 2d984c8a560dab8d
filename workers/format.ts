/** Entry of a format thread: converts numbers of the sequence to decimal, and makes the texts of replies with large bigints. */
export { convert as default } from '../src/residents/fibonacci/conversion.js';
export { replyText as encode } from '../src/runtime/reply-text.js';
