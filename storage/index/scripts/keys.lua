local P, R, HOUR_MS, CAPACITY, START, BUCKETS = KEYS[1], 40, 3600000, 256, 0x3fffff, 16381
local INLINE = 12
local spread = unpack
local call, unpack, pack, sub = redis.call, struct.unpack, struct.pack, string.sub
local GONE, NOWHERE = string.rep('\0', R), string.rep('\0', 4)

local function block_key(hour, k) return P .. ':b' .. hour .. ':' .. k end
local function hour_key(hour) return P .. ':h' .. hour end
local function bucket_key(code)
  local high, low = unpack('>I2I4', code)
  return P .. ':p' .. ((high * 40503 + low) % BUCKETS)
end

-- A pointer is hour * 2^20 + ordinal within the hour, in five bytes, the highest first.
local function to_bytes(number) return pack('>BI4', math.floor(number / 4294967296), number % 4294967296) end
local function to_number(bytes, at)
  local high, low = unpack('>BI4', bytes, at)
  return high * 4294967296 + low
end
local function to_pointer(hour, ordinal) return to_bytes(hour * 1048576 + ordinal) end
local function from_pointer(bytes, at)
  local number = to_number(bytes, at)
  return math.floor(number / 1048576), number % 1048576
end

-- Each key is read once in a call, since a batch reads the same few blocks often. Code that writes a
-- key must remove it from these tables.
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

-- Finds an event by its start and the tail of its id. Returns the block, the ordinal within it, and
-- the record; or nil if the event is absent.
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
