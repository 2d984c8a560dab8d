/** What is wrong with the bytes of a file; the caller knows which file, and tells both. */
export class Damage extends Error {
  override readonly name = 'Damage';
}
