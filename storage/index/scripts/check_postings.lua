-- ARGV[1]: pairs of plate and pointer. Returns the pairs whose plate does not list the pointer.
local answer = {}
for at = 1, #ARGV[1], 11 do
  local code, pointer = sub(ARGV[1], at, at + 5), sub(ARGV[1], at + 6, at + 10)
  local value = call('HGET', bucket_key(code), code) or ''
  local is_there
  if #value == 4 then
    local key = P .. ':q' .. unpack('>I4', value)
    local at = how_many_less(key, call('STRLEN', key) / 5, to_number(pointer, 1)) * 5
    is_there = call('GETRANGE', key, at, at + 4) == pointer
  else
    for i = 5, #value, 5 do is_there = is_there or sub(value, i, i + 4) == pointer end
  end
  if not is_there then answer[#answer + 1] = code .. pointer end
end
return answer
