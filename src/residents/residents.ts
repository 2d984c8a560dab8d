/** The list of built-in actors, by the names that `ACTORS` uses. To add one, add a folder and a line here. */
import { fibonacci } from './fibonacci/resident.js';
import type { Resident } from './resident.js';

export const RESIDENTS: readonly Resident[] = [fibonacci];

export function residentNamed(name: string): Resident {
  const resident = RESIDENTS.find((one) => one.name === name);
  // The configuration has checked it.
  if (!resident) throw new Error(`there is no resident ${name}`);
  return resident;
}
