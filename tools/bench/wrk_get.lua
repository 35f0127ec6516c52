-- One linearizable read a request: `wrk -s wrk_get.lua URL -- SYSTEM KEYS 0 AUTH`.
-- SYSTEM is holdfast (GET of an object) or etcd (the range of one key through its gateway).
local system, keys, size, auth
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local bits = text:gsub(".", function(c)
    local out, byte = "", c:byte()
    for i = 8, 1, -1 do out = out .. (byte % 2 ^ i - byte % 2 ^ (i - 1) > 0 and "1" or "0") end
    return out
  end) .. "0000"
  local encoded = bits:gsub("%d%d%d?%d?%d?%d?", function(six)
    if #six < 6 then return "" end
    local index = 0
    for i = 1, 6 do index = index + (six:sub(i, i) == "1" and 2 ^ (6 - i) or 0) end
    return alphabet:sub(index + 1, index + 1)
  end)
  return encoded .. ({ "", "==", "=" })[#text % 3 + 1]
end

function init(args)
  system, keys, size, auth = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  math.randomseed(tonumber(tostring(wrk.thread):match("0x(%x+)") or "1", 16) % 2147483647)
  requests = {}
  for i = 1, keys do
    local name = "bench-" .. i
    if system == "holdfast" then
      requests[i] = wrk.format("GET", "/api/v3/profiles/" .. name, { ["Authorization"] = auth })
    else
      requests[i] = wrk.format("POST", "/v3/kv/range", { ["Content-Type"] = "application/json" },
        '{"key":"' .. base64(name) .. '"}')
    end
  end
end

function request()
  return requests[math.random(keys)]
end

local failed = 0
function response(status)
  if status >= 400 then failed = failed + 1 end
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
