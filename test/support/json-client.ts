/** JSON over HTTP, for the routes of actors. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export async function ask(url: string, path: string, init?: RequestInit): Promise<Answer> {
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export function post(url: string, path: string, body?: string): Promise<Answer> {
  return ask(url, path, body === undefined ? { method: 'POST' } : { method: 'POST', body });
}
