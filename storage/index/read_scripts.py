"""What runs inside Redis to read the index: each script is one round trip a shard.

docs/index.md draws the layout. KEYS[1] is the shard's prefix (`{e3}`): every key that a script
touches begins with it.
"""

from __future__ import annotations

from storage.index.key_scripts import SHARD

GET = (
    SHARD
    + """
local at, blob, answer = 1, ARGV[1], {}
while at <= #blob do
  local hour, start, tail
  hour, start, tail, at = unpack('<I4I4c10', blob, at)
  local k, ordinal, record = find(hour, start, tail)
  answer[#answer + 1] = k and to_pointer(hour, k * CAPACITY + ordinal) .. record or ''
end
return answer
"""
)

SCAN = (
    SHARD
    + """
-- ARGV: least and greatest start (UTC ms), '1' for newest first, how many records are enough; then '' or, to take only what is at a few
-- places, what the names of all places added up to when the caller learnt them, and the names that he wants. ARGV[7]: '1' to be told only
-- where blocks lie, as of many it takes long to copy them into a script and out of it.
-- Answers the bound, pointers of the first record of each block, and the blocks; or, of a few places, pointers and records; or 'places'
-- where there are others.
-- Every event on the near side of the bound (after it for newest first) is in what was answered; '' where there is no more.
local least, greatest, newest, enough = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local names = {}
if ARGV[5] ~= '' then
  local sum, placeless = spread(call('HMGET', P .. ':pl', 'sum', 'placeless'))
  if (sum or '0') ~= ARGV[5] then return { 'places' } end
  for i = 1, #ARGV[6], 4 do names[#names + 1] = sub(ARGV[6], i, i + 3) end
  if placeless then names[#names + 1] = NOWHERE end
  if #names == 0 then return { '', '', '' } end
end
local bound, pointers, found = '', {}, {}
local taken, LEAST = 0, CAPACITY / 8 -- to read a block that is nearly empty is no less work than that
local function take_places(hour, k, block)
  for _, name in ipairs(names) do
    local i = string.find(block, name, 1, true)
    while i do
      if i % R == 25 then
        pointers[#pointers + 1] = to_pointer(hour, k * CAPACITY + (i - 25) / R)
        found[#found + 1] = sub(block, i - 24, i + R - 25)
      end
      i = string.find(block, name, i + 1, true)
    end
  end
end
local function take(hour, k)
  local key, size = block_key(hour, k), nil
  if #names > 0 or ARGV[7] ~= '1' then
    local block = call('GET', key)
    size = #block
    if #names > 0 then take_places(hour, k, block) else found[#found + 1] = block end
  else
    size = call('STRLEN', key)
  end
  if #names == 0 then pointers[#pointers + 1] = to_pointer(hour, k * CAPACITY) end
  taken = taken + math.max(LEAST, size / R)
end

local first, last = math.floor(least / HOUR_MS), math.floor(greatest / HOUR_MS)
local most = math.ceil(enough / LEAST)
local hours = newest and call('ZREVRANGEBYSCORE', P .. ':hours', last, first, 'LIMIT', 0, most + 1)
  or call('ZRANGEBYSCORE', P .. ':hours', first, last, 'LIMIT', 0, most + 1)
for _, hour in ipairs(hours) do
  hour = tonumber(hour)
  local directory, blocks = directory_of(hour), {}
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= high and hour * HOUR_MS + high >= least and hour * HOUR_MS + low <= greatest then
      blocks[#blocks + 1] = { k, newest and -high or low }
    end
  end
  table.sort(blocks, function(a, b) return a[2] < b[2] end)
  for _, block in ipairs(blocks) do
    if taken >= enough then
      bound = string.format('%.0f', hour * HOUR_MS + math.abs(block[2]))
      return { bound, table.concat(pointers), #names > 0 and table.concat(found) or found }
    end
    take(hour, block[1])
  end
end
if #hours > most then
  local next = hours[most + 1] * HOUR_MS
  bound = string.format('%.0f', newest and next + HOUR_MS - 1 or next)
end
return { bound, table.concat(pointers), #names > 0 and table.concat(found) or found }
"""  # noqa: E501
)

BESIDE = (
    SHARD
    + """
-- What lies beside these records (ARGV[1]: pointers): alternatives, and for odd ones the JSON.
local answer = {}
for at = 1, #ARGV[1], 5 do
  local hour, ordinal = from_pointer(ARGV[1], at)
  local body = call('HGET', P .. ':x', to_pointer(hour, ordinal))
  local found = ''
  if not body then
    local all, within, i = call('GET', P .. ':a' .. hour .. ':' .. math.floor(ordinal / CAPACITY)) or '', ordinal % CAPACITY, 1
    while i <= #all do
      local whose, count = string.byte(all, i, i + 1)
      if whose == within then found = sub(all, i + 2, i + 1 + count * 8) end
      i = i + 2 + count * 8
    end
  end
  answer[#answer + 1] = found
  answer[#answer + 1] = body and sub(body, 10 + string.byte(body, 9) * 6) or ''
end
return answer
"""  # noqa: E501
)

COUNTS = (
    SHARD
    + """
-- ARGV: first and last hour. Answers of each hour that has events, 12 bytes each: the hour, how many, how many of them are of faces.
local answer = {}
for _, hour in ipairs(call('ZRANGEBYSCORE', P .. ':hours', ARGV[1], ARGV[2])) do
  local counts = call('HMGET', P .. ':k', hour, 'f' .. hour)
  answer[#answer + 1] = pack('<I4I4I4', hour, counts[1] or 0, counts[2] or 0)
end
return table.concat(answer)
"""  # noqa: E501
)

SOME = (
    SHARD
    + """
-- ARGV: hours (4 bytes each), a stride, where to begin, least and greatest start (UTC ms). Answers of those hours every so many-th
-- block that may have a start between: the pointers of their first records, and the blocks.
local stride, begin, least, greatest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local pointers, blocks = {}, {}
for at = 1, #ARGV[1], 4 do
  local hour = unpack('<I4', ARGV[1], at)
  local directory = directory_of(hour)
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    local touches = low <= high and hour * HOUR_MS + high >= least and hour * HOUR_MS + low <= greatest
    if touches and (hour * 7 + k + begin) % stride == 0 then
      pointers[#pointers + 1] = to_pointer(hour, k * CAPACITY)
      blocks[#blocks + 1] = call('GET', block_key(hour, k))
    end
  end
end
return { table.concat(pointers), blocks }
"""  # noqa: E501
)
