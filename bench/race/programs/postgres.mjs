/** The plain way on PostgreSQL: one statement, and so one transaction, for each request, on a pool of ten connections, the library's default. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { answer, fail, serve } from './uws.mjs';

const ADD = {
  name: 'add',
  text: `INSERT INTO counters AS c VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET n = c.n + excluded.n RETURNING n`,
};

const { PGHOST: host, PGUSER: user } = process.env;
const pool = new pg.Pool({ host, user, database: 'postgres', min: 10, max: 10 });
pool.on('error', console.error);
const table =
  'CREATE TABLE IF NOT EXISTS counters (key text PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50)';
for (let tries = 0; ; tries++) {
  try {
    await pool.query(table);
    break;
  } catch (error) {
    // The server of the database starts at the same time.
    if (tries === 300) throw error;
    await delay(100);
  }
}

serve((res, key, by) => {
  pool.query({ ...ADD, values: [key, by] }).then(
    ({ rows }) => answer(res, rows[0].n),
    (error) => fail(res, error),
  );
});
