/**
 * The Lua scripts that Redis runs for a store. All keys of a script share a hash tag (`redis-keys.ts`). The Redis user needs the right to call
 * `EVAL`, `EVALSHA` and the commands that the script calls. `commands` lists them, for the error message when Redis refuses.
 */

/**
 * Replaces the fence and makes the changes, if the stored fence is the expected one. Returns 'swapped' or 'changed'.
 *
 * KEYS: the fence; the hash of the states; the hashes of records, one per actor; the windows, only when some are written or deleted (while a
 * slot of a cluster moves, a script that names a missing key has to wait).
 * ARGV: the expected fence ('' for none); the next fence; the number of hashes; how many windows to write, and to delete; for each hash how
 * many fields to write, and to delete. Then for each hash: field and text of each one to write, the fields to delete. Then name and text of each
 * window to write, and the names of the windows to delete.
 *
 * A script that fails half-way is not rolled back. Redis checks its memory once, before the first write of the script. It checks the user's
 * rights and the type of the key at each command. So the script first calls each command in a form that changes nothing.
 */
export const COMMIT_GROUP = {
  lua: `
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[1], ARGV[2], stored and 'NX' or 'XX')
local hashes, begun, ended = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local windows = KEYS[#KEYS]
if begun > 0 then redis.call('ZADD', windows, 'XX', 0, '') end
if begun + ended > 0 then redis.call('ZREMRANGEBYLEX', windows, '(x', '(x') end
local deletes = 0
for h = 1, hashes do deletes = deletes + ARGV[5 + 2 * h] end
if deletes > 0 or hashes > 1 then
  for h = 1, hashes do redis.call('HDEL', KEYS[1 + h], '') end
end
local at = 6 + 2 * hashes
for h = 1, hashes do
  for _ = 1, tonumber(ARGV[4 + 2 * h]) do
    redis.call('HSET', KEYS[1 + h], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  for _ = 1, tonumber(ARGV[5 + 2 * h]) do
    redis.call('HDEL', KEYS[1 + h], ARGV[at])
    at = at + 1
  end
end
for i = 1, begun + ended do
  redis.call('ZREMRANGEBYLEX', windows, '[' .. ARGV[at] .. ' ', '(' .. ARGV[at] .. '!')
  if i > begun then
    at = at + 1
  else
    redis.call('ZADD', windows, 0, ARGV[at] .. ' ' .. ARGV[at + 1])
    at = at + 2
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`,
  commands: 'EVALSHA, EVAL, GET, SET, HSET, HDEL, ZADD, ZREMRANGEBYLEX',
};

/**
 * Reads the fence and texts, all of one moment. Returns both; the texts end when they have reached the limit.
 *
 * KEYS: as above. ARGV: the limit in bytes, then what to read, some thousands at the most, each in one of three forms: the field of a state;
 * '~0 ' and the name of a window; '~', the number of a hash, a blank and the field.
 */
export const LOAD_ACTORS = {
  lua: `
local texts, bytes, limit = {}, 0, tonumber(ARGV[1])
for i = 2, #ARGV do
  local hash, field, text = 1, ARGV[i], false
  if string.byte(field) == 126 then
    hash, field = string.match(field, '^~(%d+) (.*)$')
    hash = tonumber(hash)
  end
  if hash == 0 then
    local member = redis.call('ZRANGEBYLEX', KEYS[#KEYS], '[' .. field .. ' ', '(' .. field .. '!')[1]
    text = member and string.sub(member, #field + 2)
  else
    text = redis.call('HGET', KEYS[1 + hash], field)
  end
  texts[i - 1] = text or false
  bytes = bytes + #(text or '')
  if bytes >= limit then break end
end
return { redis.call('GET', KEYS[1]), texts }
`,
  commands: 'EVALSHA, EVAL, GET, HGET, ZRANGEBYLEX',
};

/**
 * Reads the next part of all states, with their records. KEYS: the states. ARGV: cursor and count for HSCAN; the start of the keys of records,
 * which the id of an actor follows. Returns the next cursor; id, text, id, text, …; for each state the fields and texts of its records.
 */
export const READ_ACTORS = {
  lua: `
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local records = {}
for i = 1, #found[2], 2 do
  records[(i + 1) / 2] = redis.call('HGETALL', ARGV[3] .. found[2][i])
end
return { found[1], found[2], records }
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, HSCAN, HGETALL',
};

/**
 * Reads the states and records of some actors. KEYS: the states, then the hash of records of each actor. ARGV: ids of the actors. Returns for each the
 * text of its state, and the fields and texts of its records.
 */
export const READ_THESE = {
  lua: `
local found = {}
for i = 1, #ARGV do
  found[i] = { redis.call('HGET', KEYS[1], ARGV[i]), redis.call('HGETALL', KEYS[1 + i]) }
end
return found
`,
  commands: 'EVALSHA, EVAL, HGET, HGETALL',
};
