local function narrowed(into, demand)
  local ones, zeros = { P .. ':live' }, {}
  local length = string.byte(demand, 1)
  if length == 8 then ones[2] = P .. ':long' elseif length == 7 then zeros[1] = P .. ':long' end
  for i = 2, #demand, 2 do
    local place, code = string.byte(demand, i, i + 1)
    for b = 0, 5 do
      local key = P .. ':s' .. (place * 6 + b)
      if bit.band(code, bit.lshift(1, 5 - b)) ~= 0 then
        ones[#ones + 1] = key
      else
        zeros[#zeros + 1] = key
      end
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

-- Sets a bit at the key FOUND for each plate that meets one of these demands; the caller deletes the
-- key. Returns how many plates there are.
local FOUND = P .. ':tmp1'
local function meeting(demands)
  local one, at = P .. ':tmp2', 1
  call('DEL', FOUND)
  while at <= #demands do
    local size = string.byte(demands, at)
    narrowed(one, sub(demands, at + 1, at + size))
    call('BITOP', 'OR', FOUND, FOUND, one)
    at = at + 1 + size
  end
  call('DEL', one, P .. ':tmp0')
  return call('BITCOUNT', FOUND)
end
