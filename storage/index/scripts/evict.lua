local function remove(hour, k, ordinal, record)
  forget(hour, k, ordinal, record)
  set_record(hour, k, ordinal, GONE)
  if string.find(block_of(hour, k), '[^%z]') == nil then drop_block(hour, k) end
  count_down(1)
end

-- Removes the events that this shard has in a version that is not newer. Returns for each event: 0 it
-- was absent, 1 this shard has a newer version, 2 it was removed.
local at, blob, answer = 1, ARGV[1], {}
while at <= #blob do
  local hour, start, tail, ended, clip
  hour, start, tail, ended, clip, at = unpack('<I4I4c10dB', blob, at)
  local k, ordinal, record = find(hour, start, tail)
  answer[#answer + 1] = 0
  if k then
    local here, there = version_of(hour, k, ordinal, record), version_number(ended, clip)
    answer[#answer] = here > there and 1 or 2
    if here <= there then remove(hour, k, ordinal, record) end
  end
end
return answer
