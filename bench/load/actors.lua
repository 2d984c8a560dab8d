-- Commands to counters. Arguments: how many keys; the first one to take, each after the other, or -1 for keys at random; and 1 to send an Idempotency-Key with
-- each, a new one. At the end prints one line of JSON, as wrk.lua does; times are in microseconds.

function init(args)
  local keys, first, once = tonumber(args[1]), tonumber(args[2]), args[3] == "1"
  local body = '{"by":1}'
  local headers = { ["Content-Type"] = "application/json" }
  local one = wrk.format("POST", "/counter/k0/add", headers, body)
  local count = first
  math.randomseed(os.time())
  local run = string.format("%x-%x-", os.time(), math.random(0, 2 ^ 30))
  function request()
    if keys == 1 and not once then return one end
    count = count + 1
    if once then headers["Idempotency-Key"] = run .. count end
    local key = first >= 0 and (count - 1) % keys or math.random(0, keys - 1)
    return wrk.format("POST", "/counter/k" .. key .. "/add", headers, body)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local answered = math.max(0, summary.requests - errors.status - errors.timeout)
  print(string.format(
    '\n{"requests":%d,"duration":%d,"errors":%d,"mean":%.3f,"p50":%d,"p90":%d,"p99":%d,"p999":%d}',
    answered, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)
  ))
end
