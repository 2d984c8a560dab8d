/** A Durable Object of workerd. Its answer waits behind the output gate until what it has put is on the disk. */
import { DurableObject } from 'cloudflare:workers';

export class Counter extends DurableObject {
  async fetch(request) {
    const { by } = await request.json();
    const n = (this.ctx.storage.kv.get('n') ?? 0) + by;
    this.ctx.storage.kv.put('n', n);
    return Response.json(n);
  }
}

export default {
  fetch(request, env) {
    const key = new URL(request.url).pathname.split('/')[2];
    return env.COUNTERS.getByName(key).fetch(request);
  },
};
