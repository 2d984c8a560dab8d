/** The plain way on PostgreSQL: one statement, and so one transaction, for each request, prepared once for each connection of the pool. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { answer, fail, serve } from './uws.mjs';

const CONNECTIONS = 20;
const ADD = {
  name: 'add',
  text: `INSERT INTO counters AS c VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET n = c.n + excluded.n RETURNING n`,
};

const { PGHOST: host, PGUSER: user } = process.env;
const pool = new pg.Pool({ host, user, database: 'postgres', max: CONNECTIONS, min: CONNECTIONS });
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
