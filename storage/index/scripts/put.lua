-- ARGV: the entries, in which no event occurs twice, and the version of the layout. Returns the
-- places that are unknown here, whose events were not written. It also returns the hours of events
-- that were here with other content, except for their clips.
local LAYOUT = ARGV[2]
-- New records are collected here and written together at the end. Each hour has an entry with its
-- last block and the records that follow.
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
  if #block.others > 0 then
    call('APPEND', alternatives_key(hour, block.k), table.concat(block.others))
  end
  block.ranges[#block.ranges + 1] = pack('<I4I4', block.low, block.high)
end
-- Reserves room for one record. Returns the block and the ordinal within it.
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
  if known[name] == nil then
    known[name] = sub(call('HGET', P .. ':pl', place) or '', 1, 4) == check
  end
  return known[name]
end

-- Replaces an earlier version: its record, and the postings that are no longer valid. Returns the
-- postings that remain.
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
  local hour, record, check, ended, posts, others, json_size, unpacked
  hour, record, check, ended, posts, others, json_size, unpacked, at = unpack('<I4c40c4dBBI4B', blob, at)
  local from = at
  at = at + posts * 6 + others * 8 + json_size
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
    elseif version_of(hour, k, ordinal, old) > version_number(ended, clip_state_of(bits)) then
      k = nil
    else
      if json_size > 0 or sub(old, 5) ~= sub(record, 5) then changed[#changed + 1] = hour end
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
      if json_size > 0 then
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
if added > 0 and call('INCRBY', P .. ':n', added) == added then
  call('SET', P .. ':version', LAYOUT)
end
return { missing, changed }
