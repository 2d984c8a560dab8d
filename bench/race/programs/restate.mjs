/** A virtual object of Restate. The server of Restate, which takes the requests over HTTP, calls this process. */
import * as restate from '@restatedev/restate-sdk';
import { announce } from './announce.mjs';

const counter = restate.object({
  name: 'counter',
  handlers: {
    add: async (context, { by }) => {
      const n = ((await context.get('n')) ?? 0) + by;
      context.set('n', n);
      return n;
    },
  },
});

const port = Number(process.env.PORT);
await restate.endpoint().bind(counter).listen(port);
announce(port);
