local P = KEYS[1]
local function now_us()
  local now = redis.call('TIME')
  return now[1] * 1000000 + now[2]
end
-- A stream without arrivals begins now, so that an earlier reader has missed nothing.
local function last_number()
  local last = redis.call('GET', P .. ':last')
  if not last then
    last = string.format('%.0f', now_us())
    redis.call('SET', P .. ':last', last)
  end
  return last
end
