-- ARGV: the least and the greatest hour, '1' for newest first, how many rows, the most plates, and
-- what to look for: a run of codes, or masks.
-- Returns {bound hour, rows} with every row of the hours before the bound; '' means that no hour is
-- left. Returns {'many', share of the shard's plates} if more plates match than are allowed.
-- ARGV[8]: '1' leaves out rows that were read as another plate and have this one as an alternative.
local first, last, newest, want, most = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
local codes, masks, NO_PLATE = ARGV[6], ARGV[7], string.rep('\0', 6)
local ENOUGH = want * 8 -- pointers: some lead to readings of other plates

if masks ~= '' then
  local count = meeting(masks)
  if count > most then
    call('DEL', FOUND)
    return { 'many', tostring(count / call('BITCOUNT', P .. ':live')) }
  end
  -- BITPOS skips the bytes that are zero.
  local parts, bytes, number = {}, call('GET', FOUND), call('BITPOS', FOUND, 1)
  while count > 0 and number >= 0 do
    local byte = math.floor(number / 8)
    local bits = string.byte(bytes, byte + 1)
    for b = 0, 7 do
      if bit.band(bits, bit.rshift(0x80, b)) ~= 0 then
        parts[#parts + 1] = call('GETRANGE', P .. ':t', (byte * 8 + b) * 6, (byte * 8 + b) * 6 + 5)
      end
    end
    number = call('BITPOS', FOUND, 1, byte + 1)
  end
  call('DEL', FOUND)
  codes = table.concat(parts)
end

-- The nearest pointers, as numbers that ascend in the requested order. Once there are enough, the
-- hours beyond them are cut off whole.
local keys, count, limit, is_cut = {}, 0, 2 * ENOUGH, false
local function cut(hour)
  if newest and hour > first then
    first, is_cut = hour, true
  elseif not newest and hour < last then
    last, is_cut = hour, true
  end
end
local function hour_of(key) return math.floor(math.abs(key) / 1048576) end
local function prune()
  table.sort(keys)
  if count > ENOUGH then
    local hour = hour_of(keys[ENOUGH])
    cut(hour)
    while newest and hour_of(keys[count]) < hour or not newest and hour_of(keys[count]) > hour do
      keys[count] = nil
      count = count - 1
    end
  end
  limit = 2 * math.max(count, ENOUGH)
end
local function add(pointers, from)
  local least, greatest = first * 1048576, (last + 1) * 1048576
  for at = from, #pointers, 5 do
    local high, low = unpack('>BI4', pointers, at)
    local number = high * 4294967296 + low
    if number >= least and number < greatest then
      count = count + 1
      keys[count] = newest and -number or number
    end
  end
  if count > limit then prune() end
end

-- A plate with many pointers: read only the nearest ones of the range.
local function nearest(key)
  local size = call('STRLEN', key) / 5
  local function before(hour) return how_many_less(key, size, hour * 1048576) end
  local function hour_at(i) return (from_pointer(call('GETRANGE', key, i * 5, i * 5 + 4), 1)) end
  local from, to = before(first), before(last + 1)
  if to - from > ENOUGH then
    if newest then cut(hour_at(to - ENOUGH)) else cut(hour_at(from + ENOUGH - 1)) end
    from, to = before(first), before(last + 1)
  end
  return to > from and call('GETRANGE', key, from * 5, to * 5 - 1) or ''
end

local requested = {}
for i = 1, #codes, 6 do
  local code = sub(codes, i, i + 5)
  local value = call('HGET', bucket_key(code), code)
  requested[code] = true
  if value and #value == 4 then
    add(nearest(P .. ':q' .. unpack('>I4', value)), 1)
  elseif value then
    add(value, 5)
  end
end
for _, pointer in ipairs(call('ZRANGEBYSCORE', P .. ':odd', first * 1048576, '(' .. string.format('%.0f', (last + 1) * 1048576))) do
  add(pointer, 1)
end
prune()

-- A record without a plate, or an overflow record, may be of any that leads to it.
local function may_be(record)
  local code = sub(record, 19, 24)
  return ARGV[8] ~= '1' or requested[code] or code == NO_PLATE or string.byte(record, 4) >= 0x80
end
local rows, bound, before = {}, is_cut and (newest and first - 1 or last + 1), nil
for i, key in ipairs(keys) do
  local hour, ordinal = hour_of(key), math.abs(key) % 1048576
  if hour < first or hour > last then break end
  if #rows >= want and hour ~= before then
    bound = hour
    break
  end
  before = hour
  if key ~= keys[i - 1] then
    local within = ordinal % CAPACITY * R
    local record = call('GETRANGE', block_key(hour, math.floor(ordinal / CAPACITY)), within, within + R - 1)
    if #record == R and may_be(record) then
      rows[#rows + 1] = to_pointer(hour, ordinal) .. record
    end
  end
end
return { bound and tostring(bound) or '', table.concat(rows) }
