local function set_bits(code, number, value)
  for byte = 1, 6 do
    local bits = string.byte(code, byte)
    for b = 0, 7 do
      if bit.band(bits, bit.lshift(1, 7 - b)) ~= 0 then
        call('SETBIT', P .. ':s' .. ((byte - 1) * 8 + b), number, value)
      end
    end
  end
  if bit.band(string.byte(code, 6), 63) ~= 0 then call('SETBIT', P .. ':long', number, value) end
  call('SETBIT', P .. ':live', number, value)
end

-- New plates at the end of the table wait for flush_plates, which relies on all bitmaps being zero
-- behind the last plate.
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
    if first_new % 8 ~= 0 then
      row[1] = row[1] + (string.byte(call('GETRANGE', key, base, base)) or 0)
    end
    call('SETRANGE', key, base, string.char(spread(row)))
  end
end

local function insert(key, pointer)
  local number = to_number(pointer, 1)
  if number > to_number(call('GETRANGE', key, -5, -1), 1) then
    call('APPEND', key, pointer)
  else
    local at = how_many_less(key, call('STRLEN', key) / 5, number) * 5
    call('SETRANGE', key, at, pointer .. call('GETRANGE', key, at, -1))
  end
end

local function post(code, pointer)
  local key = bucket_key(code)
  local value = call('HGET', key, code)
  if not value then
    call('HSET', key, code, pack('>I4', new_number(code)) .. pointer)
  elseif #value == 4 then
    insert(P .. ':q' .. unpack('>I4', value), pointer)
  elseif #value == 4 + 5 * INLINE then
    call('SET', P .. ':q' .. unpack('>I4', value), in_order(sub(value, 5) .. pointer))
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
    call('SETRANGE', P .. ':t', number * 6, string.rep('\0', 6))
    call('RPUSH', P .. ':free', number)
  elseif is_long then
    call('SET', P .. ':q' .. number, left)
  else
    call('HSET', key, code, sub(value, 1, 4) .. left)
  end
end
