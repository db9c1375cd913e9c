-- What `wrk` sends and counts for benchmarks.wrk: wrk … -s wrk.lua URL -- PREFIX
-- With a PREFIX each request signs a new address up; without one the address itself is asked for.
-- At the end one line of JSON tells what came back.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  prefix = args[1]
  sent, taken, busy, wrong = 0, 0, 0, 0
end

function request()
  if not prefix then return wrk.format("GET") end
  sent = sent + 1
  local email = prefix .. number .. "x" .. sent .. "%40example.org"
  local head = {["Content-Type"] = "application/x-www-form-urlencoded"}
  return wrk.format("POST", nil, head, "email=" .. email .. "&topic=ki&topic=ukraine&lang=de")
end

function response(status)
  if status < 400 then taken = taken + 1
  elseif status == 429 or status == 503 then busy = busy + 1
  else wrong = wrong + 1 end
end

function done(summary, latency)
  local counts = {taken = 0, busy = 0, wrong = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(counts) do counts[name] = counts[name] + thread:get(name) end
  end
  local errors = summary.errors
  print(string.format(
    '{"taken": %d, "busy": %d, "wrong": %d, "broken": %d, "seconds": %f, "p99_ms": %f, "slowest_ms": %f}',
    counts.taken, counts.busy, counts.wrong,
    errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6, latency:percentile(99) / 1e3, latency.max / 1e3))
end
