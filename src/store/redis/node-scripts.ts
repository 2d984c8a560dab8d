/** What the registry of nodes runs inside Redis. Times are those of Redis, so no two clocks are compared. */

/**
 * KEYS: the nodes, a hash: name -> `{end} {renewals} {incarnation} {entry}`, the end in milliseconds since 1970; under the empty name the revision of the
 * list, which is another one whenever the list has changed. ARGV: name, incarnation and entry of the node that asks, the milliseconds that its entry is to
 * live, the incarnation that it may replace, and the revision that it knows. Returns the revision; the holder of the name when that is another
 * process, and its renewals; and the entries, when the revision is not the one that was known.
 */
export const BEAT_NODE = {
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HGETALL', KEYS[1])
local name, incarnation, entry, dead = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local revision, changed = '', false
local living, ended = {}, {}
local renewals, holder, known = 0, false, false
for i = 1, #found, 2 do
  local expires, count, writer, text = string.match(found[i + 1], '^(%d+) (%d+) (%S+) (.*)$')
  if found[i] == '' then
    revision = found[i + 1]
  elseif expires and found[i] == name then
    if writer == incarnation then
      renewals, known = tonumber(count), text == entry
    elseif tonumber(expires) > now and writer ~= dead then
      holder = { text, tonumber(count) }
      living[#living + 1] = text
    end
  elseif expires and tonumber(expires) > now then
    living[#living + 1] = text
  elseif expires then
    ended[#ended + 1] = found[i]
  end
end
if not holder then
  local expires = string.format('%.0f', now + tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], name, expires .. ' ' .. renewals + 1 .. ' ' .. incarnation .. ' ' .. entry)
  living[#living + 1] = entry
  changed = not known
end
for i = 1, #ended do
  redis.call('HDEL', KEYS[1], ended[i])
  changed = true
end
if changed or revision == '' then
  revision = time[1] .. '.' .. time[2] .. ' ' .. incarnation
  redis.call('HSET', KEYS[1], '', revision)
end
return { revision, holder, revision ~= ARGV[6] and living }
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGETALL, HSET, HDEL',
};

/** KEYS: as above. ARGV: name and incarnation of the node that leaves. */
export const LEAVE_NODE = {
  lua: `
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found or string.match(found, '^%d+ %d+ (%S+) ') ~= ARGV[2] then return end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], '', time[1] .. '.' .. time[2] .. ' ' .. ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGET, HSET, HDEL',
};

/** KEYS: as above. Returns the entries that have not ended, and writes nothing. */
export const LIST_NODES = {
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local living = {}
local found = redis.call('HGETALL', KEYS[1])
for i = 2, #found, 2 do
  local expires, text = string.match(found[i], '^(%d+) %d+ %S+ (.*)$')
  if expires and tonumber(expires) > now then living[#living + 1] = text end
end
return living
`,
  numberOfKeys: 1,
  commands: 'EVALSHA, EVAL, TIME, HGETALL',
};
