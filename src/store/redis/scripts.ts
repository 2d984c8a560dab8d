/**
 * What runs inside Redis. All keys of a script share a hash tag, see `redis-keys.ts`. A user of Redis needs the right to call
 * `EVAL` and `EVALSHA`, and whatever commands a script calls: they are listed beside it, to be named when Redis refuses.
 */

/**
 * KEYS: fence, actors. ARGV: the fence that must be stored now ('' for none), its successor, the number of actors to write, then id and text
 * of each, then the ids to delete. Redis decides whether it has memory before the first write, for the whole script. Whether
 * the user has the right, it decides at each command, and takes none back: so the first SET and HDEL, which change nothing, ask for it.
 */
export const COMMIT_GROUP = {
  lua: `
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
local puts = tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], stored and 'NX' or 'XX')
if #ARGV >= 4 + 2 * puts then redis.call('HDEL', KEYS[2], '') end
for i = 1, puts do redis.call('HSET', KEYS[2], ARGV[2 + 2 * i], ARGV[3 + 2 * i]) end
for i = 4 + 2 * puts, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`,
  numberOfKeys: 2,
  commands: 'EVALSHA, EVAL, GET, SET, HSET, HDEL',
};

/** KEYS: fence, actors. ARGV: the ids to read, of which a script can take some thousands. One script, so that the texts belong to the fence. */
export const LOAD_ACTORS = {
  lua: `
local texts, bytes, limit = {}, 0, tonumber(ARGV[1])
for i = 2, #ARGV do
  local text = redis.call('HGET', KEYS[2], ARGV[i])
  texts[i - 1] = text
  bytes = bytes + #(text or '')
  if bytes >= limit then break end
end
return { redis.call('GET', KEYS[1]), texts }
`,
  numberOfKeys: 2,
  commands: 'EVALSHA, EVAL, GET, HGET',
};
