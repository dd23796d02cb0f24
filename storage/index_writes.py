"""What runs inside Redis to write the index, each script whole or not at all; and what all its scripts begin with.

docs/index.md draws the layout. KEYS[1] is the shard's prefix (`{e3}`): every key that a script touches begins with it, so that all lie
in one slot of a cluster.
"""

from __future__ import annotations

LAYOUT = 2
"""Stamped on each shard that holds something; see index_layout."""

SHARD = """
local P, R, HOUR_MS, CAPACITY, START, BUCKETS = KEYS[1], 40, 3600000, 256, 0x3fffff, 16381
local INLINE = 12
local spread = unpack
local call, unpack, pack, sub = redis.call, struct.unpack, struct.pack, string.sub
local GONE, NOWHERE = string.rep('\\0', R), string.rep('\\0', 4)

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

-- Plates that are new at the end of the table wait for flush_plates: behind the last one all bitmaps are zero.
local first_new, fresh, none_free = nil, {}, false
local function new_number(code)
  local free = not none_free and call('LPOP', P .. ':free')
  if free then
    local number = tonumber(free)
    call('SETRANGE', P .. ':t', number * 6, code)
    set_bits(code, number, 1)
    return number
  end
  none_free = true
  first_new = first_new or call('STRLEN', P .. ':t') / 6
  fresh[#fresh + 1] = code
  return first_new + #fresh - 1
end
local function flush_plates()
  if #fresh == 0 then return end
  call('SETRANGE', P .. ':t', first_new * 6, table.concat(fresh))
  local base = math.floor(first_new / 8)
  local width, rows = math.floor((first_new + #fresh - 1) / 8) - base + 1, {}
  local function set(name, byte, mask)
    local row = rows[name]
    if not row then
      row = {}
      for i = 1, width do row[i] = 0 end
      rows[name] = row
    end
    row[byte] = row[byte] + mask
  end
  for i, code in ipairs(fresh) do
    local number = first_new + i - 1
    local byte, mask = math.floor(number / 8) - base + 1, bit.rshift(0x80, number % 8)
    set('live', byte, mask)
    if bit.band(string.byte(code, 6), 63) ~= 0 then set('long', byte, mask) end
    for j = 0, 5 do
      local bits = string.byte(code, j + 1)
      for b = 0, 7 do
        if bit.band(bits, bit.rshift(0x80, b)) ~= 0 then set(j * 8 + b, byte, mask) end
      end
    end
  end
  for name, row in pairs(rows) do
    local key = P .. (type(name) == 'number' and ':s' or ':') .. name
    if first_new % 8 ~= 0 then row[1] = row[1] + (string.byte(call('GETRANGE', key, base, base)) or 0) end
    call('SETRANGE', key, base, string.char(spread(row)))
  end
end

local function post(code, pointer)
  local key = bucket_key(code)
  local value = call('HGET', key, code)
  if not value then
    call('HSET', key, code, pack('>I4', new_number(code)) .. pointer)
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

-- How many events an hour has, and how many of them are of faces: what counts over long times are made of.
local function count_hour(hour, kind, by)
  if call('HINCRBY', P .. ':k', kind .. hour, by) == 0 then call('HDEL', P .. ':k', kind .. hour) end
end
local function is_face(record) return bit.band(string.byte(record, 3), 0x40) ~= 0 end

local function forget(hour, k, ordinal, record)
  count_hour(hour, '', -1)
  if is_face(record) then count_hour(hour, 'f', -1) end
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
  call('DEL', P .. ':t', P .. ':free', P .. ':live', P .. ':long', P .. ':n', P .. ':pl', P .. ':odd', P .. ':version')
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
    + f"local LAYOUT = {LAYOUT}"
    + """
-- New records wait here and are written together at the end: of an hour, where its last block ends and what comes after.
local open = {}
local function opened(hour)
  local directory = directory_of(hour)
  local k = #directory / 8 - 1
  local count, low, high = CAPACITY, 0xffffffff, 0
  if k >= 0 then count = call('STRLEN', block_key(hour, k)) / R end
  if count == CAPACITY or count == 0 then
    if k < 0 then call('ZADD', P .. ':hours', hour, hour) end
    k, count = k + 1, 0
  else
    low, high = unpack('<I4I4', directory, k * 8 + 1)
  end
  open[hour] = { k = k, first = k, count = count, low = low, high = high, records = {}, ranges = {}, others = {} }
  return open[hour]
end
local function flush_block(hour, block)
  call('APPEND', block_key(hour, block.k), table.concat(block.records))
  if #block.others > 0 then call('APPEND', alternatives_key(hour, block.k), table.concat(block.others)) end
  block.ranges[#block.ranges + 1] = pack('<I4I4', block.low, block.high)
end
-- A place for one more record: block and ordinal.
local function reserve(hour, start)
  local block = open[hour] or opened(hour)
  if block.count == CAPACITY then
    flush_block(hour, block)
    block.k, block.count, block.low, block.high, block.records, block.others = block.k + 1, 0, start, start, {}, {}
  end
  if start < block.low then block.low = start end
  if start > block.high then block.high = start end
  block.count = block.count + 1
  return block, block.count - 1
end
local function flush_records()
  for hour, block in pairs(open) do
    flush_block(hour, block)
    call('SETRANGE', hour_key(hour), block.first * 8, table.concat(block.ranges))
  end
end

local known = {}
local function is_known(place, check)
  local name = place .. check
  if known[name] == nil then known[name] = sub(call('HGET', P .. ':pl', place) or '', 1, 4) == check end
  return known[name]
end

-- An earlier version gives way: its record, and of its postings those that are not wanted any more. Answers those that stay.
local function replace(hour, k, ordinal, old, record, codes)
  local stay = posts_of(hour, k, ordinal, old)
  for code in pairs(stay) do
    local i = string.find(codes, code, 1, true)
    while i and i % 6 ~= 1 do i = string.find(codes, code, i + 1, true) end
    if not i then unpost(code, to_pointer(hour, k * CAPACITY + ordinal)) end
  end
  call('SETRANGE', block_key(hour, k), ordinal * R, record)
  return stay
end

local added, grown = 0, {}
local at, blob, missing, changed = 1, ARGV[1], {}, {}
while at <= #blob do
  local hour, record, check, ended, posts, others, odd, unpacked
  hour, record, check, ended, posts, others, odd, unpacked, at = unpack('<I4c40c4dBBI4B', blob, at)
  local from = at
  at = at + posts * 6 + others * 8 + odd
  local place = sub(record, 25, 28)
  if place ~= NOWHERE and not is_known(place, check) then
    missing[#missing + 1] = place
  else
    local codes = sub(blob, from, from + posts * 6 - 1)
    local bits = unpack('<I4', record)
    local start = bit.band(bits, START)
    local k, ordinal, old = find(hour, start, sub(record, 5, 14))
    local stay, block = {}, nil
    if not old then
      block, ordinal = reserve(hour, start)
      k = block.k
      block.records[#block.records + 1] = record
      added = added + 1
      grown[hour] = grown[hour] or { 0, 0 }
      grown[hour][1] = grown[hour][1] + 1
      if is_face(record) then grown[hour][2] = grown[hour][2] + 1 end
    elseif standing(hour, k, ordinal, old) > ended * 4 + bit.band(bit.rshift(bits, 23), 3) then
      k = nil
    else
      if odd > 0 or sub(old, 5) ~= sub(record, 5) then changed[#changed + 1] = hour end
      stay = replace(hour, k, ordinal, old, record, codes)
    end
    if k then
      local pointer = to_pointer(hour, k * CAPACITY + ordinal)
      for i = 1, #codes, 6 do
        local code = sub(codes, i, i + 5)
        if not stay[code] then post(code, pointer) end
      end
      local alternatives = sub(blob, from + posts * 6, from + posts * 6 + others * 8 - 1)
      local was = old and string.byte(old, 4) or 0
      if others > 0 and block then
        block.others[#block.others + 1] = string.char(ordinal, others) .. alternatives
      elseif others > 0 or bit.band(was, 0x40) ~= 0 then
        put_alternatives(hour, k, ordinal, alternatives)
      end
      if odd > 0 then
        if place == NOWHERE then call('HSET', P .. ':pl', 'placeless', 1) end
        local body = sub(blob, from + posts * 6 + others * 8, at - 1)
        call('HSET', P .. ':x', pointer, pack('<d', ended) .. string.char(posts) .. codes .. body)
      elseif was >= 0x80 then
        call('HDEL', P .. ':x', pointer)
      end
      if unpacked == 1 then
        call('ZADD', P .. ':odd', hour * 1048576 + k * CAPACITY + ordinal, pointer)
      elseif was >= 0x80 then
        call('ZREM', P .. ':odd', pointer)
      end
    end
  end
end
flush_records()
flush_plates()
for hour, by in pairs(grown) do
  count_hour(hour, '', by[1])
  if by[2] > 0 then count_hour(hour, 'f', by[2]) end
end
if added > 0 and call('INCRBY', P .. ':n', added) == added then call('SET', P .. ':version', LAYOUT) end
return { missing, changed }
"""
)
"""ARGV[1]: the entries, one after the other, none twice. Answers the places that are not known here, whose events were not written; and
the hours of events that were here otherwise, but for their clips."""
