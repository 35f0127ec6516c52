-- One write a request over a fixed set of keys: `wrk -s wrk_put.lua URL -- SYSTEM KEYS VALUE_BYTES`.
-- SYSTEM is holdfast (PUT of an object) or etcd (the gateway's put, base64 as it demands).
local system, keys, size, auth
local variants = 32
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
  -- Every key has many values, so that a write nearly always changes what stands there.
  for i = 1, keys * variants do
    local name = "bench-" .. ((i - 1) % keys + 1)
    local value = string.rep("x", size - 8) .. string.format("%08d", i)
    if system == "holdfast" then
      requests[i] = wrk.format("PUT", "/api/v3/profiles/" .. name,
        { ["Content-Type"] = "application/json", ["Authorization"] = auth },
        '{"Name":"' .. name .. '","Description":"' .. value .. '"}')
    else
      requests[i] = wrk.format("POST", "/v3/kv/put", { ["Content-Type"] = "application/json" },
        '{"key":"' .. base64(name) .. '","value":"' .. base64(value) .. '"}')
    end
  end
end

function request()
  return requests[math.random(#requests)]
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
