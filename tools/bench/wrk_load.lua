-- The load of every throughput row: `wrk -s wrk_load.lua URL -- SYSTEM MODE KEYS VALUE_BYTES AUTHORIZATION`.
-- SYSTEM is holdfast (HTTP on objects) or etcd (its JSON gateway, base64 as that demands).
-- MODE is put, get, mixed (8 linearizable reads, 2 writes) or list (all objects in one answer).
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local variants = 32
local puts, gets, mode = {}, {}, ""

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

local make = { holdfast = {}, etcd = {} }

function make.holdfast.put(name, value, auth)
  return wrk.format("PUT", "/api/v3/profiles/" .. name,
    { ["Content-Type"] = "application/json", ["Authorization"] = auth },
    '{"Name":"' .. name .. '","Description":"' .. value .. '"}')
end

function make.holdfast.get(name, auth)
  return wrk.format("GET", "/api/v3/profiles/" .. name, { ["Authorization"] = auth })
end

function make.holdfast.list(auth)
  return wrk.format("GET", "/api/v3/profiles", { ["Authorization"] = auth })
end

local etcd_headers = { ["Content-Type"] = "application/json" }

function make.etcd.put(name, value)
  return wrk.format("POST", "/v3/kv/put", etcd_headers,
    '{"key":"' .. base64(name) .. '","value":"' .. base64(value) .. '"}')
end

function make.etcd.get(name)
  return wrk.format("POST", "/v3/kv/range", etcd_headers, '{"key":"' .. base64(name) .. '"}')
end

-- The range from "bench-" to "bench." is every key that begins with "bench-".
function make.etcd.list()
  return wrk.format("POST", "/v3/kv/range", etcd_headers,
    '{"key":"' .. base64("bench-") .. '","range_end":"' .. base64("bench.") .. '"}')
end

function init(args)
  local system, keys, size, auth = make[args[1]], tonumber(args[3]), tonumber(args[4]), args[5]
  mode = args[2]
  math.randomseed(tonumber(tostring(wrk.thread):match("0x(%x+)") or "1", 16) % 2147483647)
  if mode == "list" then
    gets[1] = system.list(auth)
    return
  end
  for i = 1, keys do
    gets[i] = system.get("bench-" .. i, auth)
  end
  if mode == "get" then return end
  -- Every key has many values, so that a write nearly always changes what stands there.
  for i = 1, keys * variants do
    puts[i] = system.put("bench-" .. ((i - 1) % keys + 1),
      string.rep("x", size - 8) .. string.format("%08d", i), auth)
  end
end

function request()
  if mode == "put" or (mode == "mixed" and math.random(10) <= 2) then
    return puts[math.random(#puts)]
  end
  return gets[math.random(#gets)]
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
