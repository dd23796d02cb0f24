local function narrowed(into, mask)
  local ones, zeros = { P .. ':live' }, {}
  local length = string.byte(mask, 1)
  if length == 8 then ones[2] = P .. ':long' elseif length == 7 then zeros[1] = P .. ':long' end
  for i = 2, #mask, 2 do
    local place, code = string.byte(mask, i, i + 1)
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

-- Sets a bit at the key FOUND for each plate that meets one of these masks; the caller deletes the
-- key. Returns how many plates there are.
local FOUND = P .. ':tmp1'
local function meeting(masks)
  local one, at = P .. ':tmp2', 1
  call('DEL', FOUND)
  while at <= #masks do
    local size = string.byte(masks, at)
    narrowed(one, sub(masks, at + 1, at + size))
    call('BITOP', 'OR', FOUND, FOUND, one)
    at = at + 1 + size
  end
  call('DEL', one, P .. ':tmp0')
  return call('BITCOUNT', FOUND)
end
