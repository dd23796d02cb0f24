-- ARGV: the least and the greatest start (UTC ms), '1' for newest first, and how many records are
-- enough. ARGV[5] is '' or limits the scan to some places. It is then the checksum of all place names
-- that the caller knows, and ARGV[6] holds the names that it wants.
-- ARGV[7]: '1' returns only where the blocks lie, since copying many blocks into Lua is slow.
-- Returns the bound, the pointer of the first record of each block, and the blocks. With places it
-- returns pointers and records, or 'places' if the shard has places that the caller does not know.
-- The answer holds every event before the bound in the order of the scan. The bound is '' at the end.
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
