/** The actor of scenario (j): as small as an actor can be, so that the figures are those of the runtime. */
export default {
  name: 'counter',
  initial: { n: 0 },
  commands: {
    add: ({ n }: { n: number }, { by }: { by: number }) => ({ state: { n: n + by }, reply: n + by }),
  },
  queries: { get: ({ n }: { n: number }) => n },
};
