-- ARGV[1]: pointers. Returns the alternatives of each record, and the JSON of an overflow record.
local answer = {}
for at = 1, #ARGV[1], 5 do
  local hour, ordinal = from_pointer(ARGV[1], at)
  local body = call('HGET', P .. ':x', to_pointer(hour, ordinal))
  local found = ''
  if not body then
    local all, within, i = call('GET', P .. ':a' .. hour .. ':' .. math.floor(ordinal / CAPACITY)) or '', ordinal % CAPACITY, 1
    while i <= #all do
      local whose, count = string.byte(all, i, i + 1)
      if whose == within then found = sub(all, i + 2, i + 1 + count * 8) end
      i = i + 2 + count * 8
    end
  end
  answer[#answer + 1] = found
  answer[#answer + 1] = body and sub(body, 10 + string.byte(body, 9) * 6) or ''
end
return answer
