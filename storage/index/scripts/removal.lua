-- Redis refuses commands that may need memory while its memory is full, except after a deletion in the
-- same script. A removal needs some of them, and frees memory. This key never exists.
call('DEL', KEYS[2])

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

-- A block without records is deleted, and so is an hour without blocks.
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
