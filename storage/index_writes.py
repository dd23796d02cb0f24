"""What runs inside Redis to write the index, each script whole or not at all; and what all its scripts begin with.

docs/index.md draws the layout. KEYS[1] is the shard's prefix (`{e3}`): every key that a script touches begins with it, so that all lie
in one slot of a cluster.
"""

from __future__ import annotations

SHARD = """
local P, R, HOUR_MS, CAPACITY, START, BUCKETS = KEYS[1], 40, 3600000, 256, 0x3fffff, 16381
local INLINE = 12
local spread = unpack
local call, unpack, pack, sub = redis.call, struct.unpack, struct.pack, string.sub
local GONE = string.rep('\\0', R)

local function block_key(hour, k) return P .. ':b' .. hour .. ':' .. k end
local function hour_key(hour) return P .. ':h' .. hour end
local function bucket_key(code)
  local high, low = unpack('>I2I4', code)
  return P .. ':p' .. ((high * 40503 + low) % BUCKETS)
end

-- A pointer: hour * 2^20 + ordinal within it, five bytes, first the highest.
local function to_pointer(hour, ordinal)
  local value = hour * 1048576 + ordinal
  return pack('>BI4', math.floor(value / 4294967296), value % 4294967296)
end
local function from_pointer(bytes, at)
  local high, low = unpack('>BI4', bytes, at)
  local value = high * 4294967296 + low
  return math.floor(value / 1048576), value % 1048576
end

-- Read once a call: a batch asks for the same few blocks again and again. Whoever changes one forgets it here.
local directories, blocks = {}, {}
local function directory_of(hour)
  if not directories[hour] then directories[hour] = call('GET', hour_key(hour)) or '' end
  return directories[hour]
end
local function block_of(hour, k)
  local key = block_key(hour, k)
  if not blocks[key] then blocks[key] = call('GET', key) or '' end
  return blocks[key]
end
local function set_directory(hour, k, low, high)
  call('SETRANGE', hour_key(hour), k * 8, pack('<I4I4', low, high))
  directories[hour] = nil
end
local function set_record(hour, k, ordinal, record)
  call('SETRANGE', block_key(hour, k), ordinal * R, record)
  blocks[block_key(hour, k)] = nil
end

-- Where the event of this start and id tail lies: block, ordinal within it, record; nil where it is not here.
local function find(hour, start, tail)
  local directory = directory_of(hour)
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= start and start <= high then
      local block = block_of(hour, k)
      local i = string.find(block, tail, 1, true)
      while i do
        if (i - 5) % R == 0 and bit.band(unpack('<I4', block, i - 4), START) == start then
          return k, (i - 5) / R, sub(block, i - 4, i + R - 5)
        end
        i = string.find(block, tail, i + 1, true)
      end
    end
  end
end
"""

POSTINGS = """
local function set_bits(code, number, value)
  for byte = 1, 6 do
    local bits = string.byte(code, byte)
    for b = 0, 7 do
      if bit.band(bits, bit.lshift(1, 7 - b)) ~= 0 then call('SETBIT', P .. ':s' .. ((byte - 1) * 8 + b), number, value) end
    end
  end
  if bit.band(string.byte(code, 6), 63) ~= 0 then call('SETBIT', P .. ':long', number, value) end
  call('SETBIT', P .. ':live', number, value)
end

local function post(code, pointer)
  local key = bucket_key(code)
  local value = call('HGET', key, code)
  if not value then
    local number = tonumber(call('LPOP', P .. ':free') or call('STRLEN', P .. ':t') / 6)
    call('SETRANGE', P .. ':t', number * 6, code)
    set_bits(code, number, 1)
    call('HSET', key, code, pack('>I4', number) .. pointer)
  elseif #value == 4 then
    call('APPEND', P .. ':q' .. unpack('>I4', value), pointer)
  elseif #value == 4 + 5 * INLINE then
    call('SET', P .. ':q' .. unpack('>I4', value), sub(value, 5) .. pointer)
    call('HSET', key, code, sub(value, 1, 4))
  else
    call('HSET', key, code, value .. pointer)
  end
end

local function without(pointers, pointer)
  local i = string.find(pointers, pointer, 1, true)
  while i and i % 5 ~= 1 do i = string.find(pointers, pointer, i + 1, true) end
  return i and sub(pointers, 1, i - 1) .. sub(pointers, i + 5) or pointers
end

local function unpost(code, pointer)
  local key = bucket_key(code)
  local value = call('HGET', key, code)
  if not value then return end
  local number = unpack('>I4', value)
  local is_long = #value == 4
  local left = without(is_long and call('GET', P .. ':q' .. number) or sub(value, 5), pointer)
  if #left == 0 then
    call('HDEL', key, code)
    call('DEL', P .. ':q' .. number)
    set_bits(code, number, 0)
    call('SETRANGE', P .. ':t', number * 6, string.rep('\\0', 6))
    call('RPUSH', P .. ':free', number)
  elseif is_long then
    call('SET', P .. ':q' .. number, left)
  else
    call('HSET', key, code, sub(value, 1, 4) .. left)
  end
end

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
  if code ~= string.rep('\\0', 6) then posts[code] = true end
  local flags = string.byte(record, 4)
  if bit.band(flags, 0x80) ~= 0 then
    local body = call('HGET', P .. ':x', to_pointer(hour, k * CAPACITY + ordinal)) or ''
    local count = string.byte(body, 9) or 0
    for i = 0, count - 1 do posts[sub(body, 10 + i * 6, 15 + i * 6)] = true end
  elseif bit.band(flags, 0x40) ~= 0 then
    local all, from, to = alternatives_at(hour, k, ordinal)
    for i = from + 2, to - 8, 8 do
      local other = sub(all, i, i + 5)
      if other ~= string.rep('\\0', 6) then posts[other] = true end
    end
  end
  return posts
end

local function standing(hour, k, ordinal, record)
  local bits = unpack('<I4', record)
  local ended = hour * HOUR_MS + bit.band(bits, START) + unpack('<I2', record, 17)
  if bit.band(string.byte(record, 4), 0x80) ~= 0 then
    local body = call('HGET', P .. ':x', to_pointer(hour, k * CAPACITY + ordinal))
    if body then ended = unpack('<d', body) end
  end
  return ended * 4 + bit.band(bit.rshift(bits, 23), 3)
end

local function forget(hour, k, ordinal, record)
  local pointer, flags = to_pointer(hour, k * CAPACITY + ordinal), string.byte(record, 4)
  for code in pairs(posts_of(hour, k, ordinal, record)) do unpost(code, pointer) end
  if bit.band(flags, 0x40) ~= 0 then put_alternatives(hour, k, ordinal, '') end
  if bit.band(flags, 0x80) ~= 0 then
    call('HDEL', P .. ':x', pointer)
    call('ZREM', P .. ':odd', pointer)
  end
end

local function drop_all()
  for b = 0, 47 do call('DEL', P .. ':s' .. b) end
  call('DEL', P .. ':t', P .. ':free', P .. ':live', P .. ':long', P .. ':n', P .. ':pl', P .. ':odd')
end

-- Of a block that holds nothing any more nothing stays, nor of an hour without blocks.
local function drop_block(hour, k)
  call('DEL', block_key(hour, k), alternatives_key(hour, k))
  blocks[block_key(hour, k)] = nil
  set_directory(hour, k, 0xffffffff, 0)
  local directory = directory_of(hour)
  for i = 0, #directory / 8 - 1 do
    if unpack('<I4', directory, i * 8 + 1) ~= 0xffffffff then return end
  end
  call('DEL', hour_key(hour))
  directories[hour] = nil
  call('ZREM', P .. ':hours', hour)
end

local function count_down(gone)
  if call('DECRBY', P .. ':n', gone) == 0 then drop_all() end
end
"""

PUT = (
    SHARD
    + POSTINGS
    + """
-- A place at the end of the hour for one more record: block and ordinal; its start is taken into the directory.
local function reserve(hour, start)
  local directory = directory_of(hour)
  local k = #directory / 8 - 1
  local ordinal = k >= 0 and call('STRLEN', block_key(hour, k)) / R or CAPACITY
  local low, high = start, start
  if ordinal == CAPACITY or (ordinal == 0 and k >= 0) then
    k, ordinal = k + 1, 0
    if k == 0 then call('ZADD', P .. ':hours', hour, hour) end
  else
    low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= start and start <= high then return k, ordinal end
    low, high = math.min(low, start), math.max(high, start)
  end
  set_directory(hour, k, low, high)
  return k, ordinal
end

local added = {}
local at, blob, missing = 1, ARGV[1], {}
while at <= #blob do
  local hour, record, check, ended, posts, others, odd, unpacked
  hour, record, check, ended, posts, others, odd, unpacked, at = unpack('<I4c40c4dBBI4B', blob, at)
  local codes = sub(blob, at, at + posts * 6 - 1)
  local alternatives = sub(blob, at + posts * 6, at + posts * 6 + others * 8 - 1)
  local body = sub(blob, at + posts * 6 + others * 8, at + posts * 6 + others * 8 + odd - 1)
  at = at + posts * 6 + others * 8 + odd
  local place = sub(record, 25, 28)
  if place ~= '\0\0\0\0' and sub(call('HGET', P .. ':pl', place) or '', 1, 4) ~= check then
    missing[#missing + 1] = place
  else
    local bits = unpack('<I4', record)
    local start = bit.band(bits, START)
    local name = hour .. sub(record, 5, 14) .. start
    local k, ordinal, old
    if added[name] then k, ordinal, old = spread(added[name]) else k, ordinal, old = find(hour, start, sub(record, 5, 14)) end
    local new_standing = ended * 4 + bit.band(bit.rshift(bits, 23), 3)
    local old_posts = {}
    if k and standing(hour, k, ordinal, old) > new_standing then
      k = -1
    elseif k then
      old_posts = posts_of(hour, k, ordinal, old)
      set_record(hour, k, ordinal, record)
      added[name] = { k, ordinal, record }
    else
      k, ordinal = reserve(hour, start)
      call('APPEND', block_key(hour, k), record)
      added[name] = { k, ordinal, record }
      call('INCR', P .. ':n')
    end
    if k >= 0 then
      local pointer = to_pointer(hour, k * CAPACITY + ordinal)
      for i = 1, #codes, 6 do
        local code = sub(codes, i, i + 5)
        if not old_posts[code] then post(code, pointer) end
        old_posts[code] = nil
      end
      for code in pairs(old_posts) do unpost(code, pointer) end
      if old or others > 0 then put_alternatives(hour, k, ordinal, alternatives) end
      if odd > 0 then
        call('HSET', P .. ':x', pointer, pack('<d', ended) .. string.char(posts) .. codes .. body)
      elseif old then
        call('HDEL', P .. ':x', pointer)
      end
      if unpacked == 1 then
        call('ZADD', P .. ':odd', hour * 1048576 + k * CAPACITY + ordinal, pointer)
      elseif old then
        call('ZREM', P .. ':odd', pointer)
      end
    end
  end
end
return missing
"""
)
"""ARGV[1]: the entries, one after the other. Answers the places that are not known here; their events were not written."""
