"""What runs inside Redis to look plates up: their pointers, and the records that these lead to."""

from __future__ import annotations

from storage.index_keys import SHARD

PLATES = (
    SHARD
    + """
-- ARGV: least and greatest hour, '1' for newest first, how many rows, most plates, then what to look for: a run of codes, or demands.
-- Answers {bound hour or '' where all was looked at, rows}: every row of hours on the near side of the bound is there;
-- or {'many', what part of the shard's plates match} where that is more than are to be looked at: more than so many, or so large a part
-- that records in the order of time give enough rows sooner (ARGV[8]: the square of their number over that of all; '' for no matter).
local first, last, newest, want, most = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
local codes, demands, FEW = ARGV[6], ARGV[7], 32

local function narrowed(into, demand)
  local ones, zeros = { P .. ':live' }, {}
  local length = string.byte(demand, 1)
  if length == 8 then ones[2] = P .. ':long' elseif length == 7 then zeros[1] = P .. ':long' end
  for i = 2, #demand, 2 do
    local place, code = string.byte(demand, i, i + 1)
    for b = 0, 5 do
      local key = P .. ':s' .. (place * 6 + b)
      if bit.band(code, bit.lshift(1, 5 - b)) ~= 0 then ones[#ones + 1] = key else zeros[#zeros + 1] = key end
    end
  end
  call('BITOP', 'AND', into, spread(ones))
  if #zeros > 0 then
    local not_these = P .. ':tmp0'
    call('BITOP', 'OR', not_these, spread(zeros))
    call('BITOP', 'AND', not_these, not_these, into)
    call('BITOP', 'XOR', into, into, not_these)
  end
end

if demands ~= '' then
  local found, one = P .. ':tmp1', P .. ':tmp2'
  local at = 1
  while at <= #demands do
    local size = string.byte(demands, at)
    narrowed(one, sub(demands, at + 1, at + size))
    call('BITOP', 'OR', found, found, one)
    at = at + 1 + size
  end
  local count = call('BITCOUNT', found)
  local all = call('BITCOUNT', P .. ':live')
  local is_many = count > most or (count > FEW and ARGV[8] ~= '' and count * count > all * ARGV[8])
  local bytes = not is_many and call('GET', found) or ''
  call('DEL', found, one, P .. ':tmp0')
  if is_many then return { 'many', tostring(count / all) } end
  local parts = {}
  local byte = string.find(bytes, '[^%z]')
  while byte do
    local bits = string.byte(bytes, byte)
    for b = 0, 7 do
      if bit.band(bits, bit.rshift(0x80, b)) ~= 0 then
        local number = (byte - 1) * 8 + b
        parts[#parts + 1] = call('GETRANGE', P .. ':t', number * 6, number * 6 + 5)
      end
    end
    byte = string.find(bytes, '[^%z]', byte + 1)
  end
  codes = table.concat(parts)
end

local ordinals, hours = {}, {}
local function add(hour, ordinal)
  if hour < first or hour > last then return end
  local found = ordinals[hour]
  if found then
    found[ordinal] = true
  else
    ordinals[hour] = { [ordinal] = true }
    hours[#hours + 1] = newest and -hour or hour
  end
end
for i = 1, #codes, 6 do
  local code = sub(codes, i, i + 5)
  local value = call('HGET', bucket_key(code), code)
  local from = 5
  if value and #value == 4 then value, from = call('GET', P .. ':q' .. unpack('>I4', value)) or '', 1 end
  for at = from, value and #value or 0, 5 do
    local high, low = unpack('>BI4', value, at)
    local ordinal = low % 1048576
    add(high * 4096 + (low - ordinal) / 1048576, ordinal)
  end
end
for _, pointer in ipairs(call('ZRANGEBYSCORE', P .. ':odd', first * 1048576, '(' .. string.format('%.0f', (last + 1) * 1048576))) do
  add(from_pointer(pointer, 1))
end
table.sort(hours)
local rows, bound = {}, ''
for _, hour in ipairs(hours) do
  hour = math.abs(hour)
  if #rows >= want then
    bound = tostring(hour)
    break
  end
  for ordinal in pairs(ordinals[hour]) do
    local within = ordinal % CAPACITY * R
    local record = call('GETRANGE', block_key(hour, math.floor(ordinal / CAPACITY)), within, within + R - 1)
    if #record == R then rows[#rows + 1] = to_pointer(hour, ordinal) .. record end
  end
end
return { bound, table.concat(rows) }
"""
)
