/** The input of a query as search parameters, without the question mark. A member that is undefined is left out. */
export function searchOf(input: unknown): string {
  const members = Object.entries(input ?? {}).filter(([, value]) => value !== undefined);
  return new URLSearchParams(
    members.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
}
