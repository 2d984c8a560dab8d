/** Thread entry of the format pools: decimal digits of a sequence, and texts of replies with large bigints. */
export { convert as default } from '../src/residents/fibonacci/conversion.js';
export { replyText as encode } from '../src/runtime/reply-text.js';
