/** The error for damaged bytes in a file of the database. The caller adds which file it is. */
export class Damage extends Error {
  override readonly name = 'Damage';
}
