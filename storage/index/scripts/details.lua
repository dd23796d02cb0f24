-- Alternatives of a block: runs of ordinal, count, then 8 bytes each.
local function alternatives_key(hour, k) return P .. ':a' .. hour .. ':' .. k end
local function alternatives_at(hour, k, ordinal)
  local all = call('GET', alternatives_key(hour, k)) or ''
  local at = 1
  while at <= #all do
    local whose, count = string.byte(all, at, at + 1)
    if whose == ordinal then return all, at, at + 2 + count * 8 end
    at = at + 2 + count * 8
  end
  return all, #all + 1, #all + 1
end
local function put_alternatives(hour, k, ordinal, bytes)
  local all, from, to = alternatives_at(hour, k, ordinal)
  local left = sub(all, 1, from - 1) .. sub(all, to)
  if #bytes > 0 then left = left .. string.char(ordinal, #bytes / 8) .. bytes end
  if #left > 0 then call('SET', alternatives_key(hour, k), left) elseif #all > 0 then call('DEL', alternatives_key(hour, k)) end
end

-- The plates that a record is posted under.
local function posts_of(hour, k, ordinal, record)
  local posts, code = {}, sub(record, 19, 24)
  if code ~= string.rep('\0', 6) then posts[code] = true end
  local flags = string.byte(record, 4)
  if bit.band(flags, 0x80) ~= 0 then
    local body = call('HGET', P .. ':x', to_pointer(hour, k * CAPACITY + ordinal)) or ''
    local count = string.byte(body, 9) or 0
    for i = 0, count - 1 do posts[sub(body, 10 + i * 6, 15 + i * 6)] = true end
  elseif bit.band(flags, 0x40) ~= 0 then
    local all, from, to = alternatives_at(hour, k, ordinal)
    for i = from + 2, to - 8, 8 do
      local other = sub(all, i, i + 5)
      if other ~= string.rep('\0', 6) then posts[other] = true end
    end
  end
  return posts
end

local function clip_state_of(bits) return bit.band(bit.rshift(bits, 23), 3) end

-- The rule of `event_version` (domain/events/event.py), without the correction.
local function version_number(ended_ms, clip_state) return ended_ms * 4 + clip_state end
local function version_of(hour, k, ordinal, record)
  local bits = unpack('<I4', record)
  local ended = hour * HOUR_MS + bit.band(bits, START) + unpack('<I2', record, 17)
  if bit.band(string.byte(record, 4), 0x80) ~= 0 then
    local body = call('HGET', P .. ':x', to_pointer(hour, k * CAPACITY + ordinal))
    if body then ended = unpack('<d', body) end
  end
  return version_number(ended, clip_state_of(bits))
end

-- Count the events of an hour, and its faces apart: histograms over long times use these counts.
local function count_hour(hour, kind, by)
  if call('HINCRBY', P .. ':k', kind .. hour, by) == 0 then
    call('HDEL', P .. ':k', kind .. hour)
  end
end
local function is_face(record) return bit.band(string.byte(record, 3), 0x40) ~= 0 end
