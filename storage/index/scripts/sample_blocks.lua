-- ARGV: hours (4 bytes each), a stride, an offset, the least and the greatest start (UTC ms). Returns
-- every stride-th block of those hours that may have a start in between, after the pointers of the
-- first record of each block.
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
