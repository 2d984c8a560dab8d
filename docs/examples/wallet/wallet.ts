/** A wallet per owner, in cents. Amounts travel as text, such as "12.34", and are bigints inside: no sum is ever rounded. */
import * as v from 'valibot';
import { actor, refuse } from 'warren';

const amount = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}\.\d{2}$/, 'an amount looks like 12.34'),
  v.transform((text) => BigInt(text.replace('.', ''))),
);

const input = v.object({ amount });

function text(cents: bigint): string {
  const digits = cents.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

export default actor({
  name: 'wallet',
  initial: { cents: 0n },
  commands: {
    deposit: {
      input,
      run: ({ cents }, { amount }) => ({
        state: { cents: cents + amount },
        reply: { balance: text(cents + amount) },
      }),
    },
    withdraw: {
      input,
      run({ cents }, { amount }) {
        if (amount > cents) return refuse('insufficient', { balance: text(cents) });
        return { state: { cents: cents - amount }, reply: { balance: text(cents - amount) } };
      },
    },
  },
  queries: {
    balance: ({ cents }) => ({ balance: text(cents) }),
  },
});
