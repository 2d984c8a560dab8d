/** Thread entry of the format pool. */
export { convert as default } from '../src/residents/fibonacci/conversion.js';
