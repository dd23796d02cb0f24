-- ARGV: the most blocks, then runs of hour, least and greatest start. Returns the blocks that may hold
-- these events, or 1 if there are more blocks than allowed.
local most, answer = tonumber(ARGV[1]), {}
for at = 1, #ARGV[2], 12 do
  local hour, least, greatest = unpack('<I4I4I4', ARGV[2], at)
  local directory = directory_of(hour)
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= greatest and high >= least then
      if #answer == most then return 1 end
      answer[#answer + 1] = call('GET', block_key(hour, k))
    end
  end
end
return answer
