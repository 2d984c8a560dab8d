-- Optional argument: every so many requests is a /next instead of the one on the command line.
-- At the end prints one line of JSON; times are in microseconds.

function init(args)
  local every = tonumber(args[1])
  if every then
    local usual, next = wrk.format("GET"), wrk.format("GET", "/next")
    local count = 0
    function request()
      count = count + 1
      if count % every == 0 then return next end
      return usual
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  -- wrk counts an answer with a status of 400 or more as a request, and one that came too late, too.
  local answered = math.max(0, summary.requests - errors.status - errors.timeout)
  print(string.format(
    '\n{"requests":%d,"duration":%d,"errors":%d,"mean":%.3f,"p50":%d,"p90":%d,"p99":%d,"p999":%d}',
    answered, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)
  ))
end
