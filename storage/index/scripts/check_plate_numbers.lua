-- ARGV: the first number (a multiple of eight), and how many. Returns the codes of these numbers. For
-- each plate it returns the number stored with it, how many pointers it has, and 1 if a long list of
-- pointers is not in order. The bitmaps of these numbers follow.
local first, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local codes, said = call('GETRANGE', P .. ':t', first * 6, (first + count) * 6 - 1), {}
for at = 1, #codes, 6 do
  local code = sub(codes, at, at + 5)
  local value = call('HGET', bucket_key(code), code)
  local number = value and unpack('>I4', value) or 0xffffffff
  local is_many = value and #value == 4
  local pointers = is_many and call('GET', P .. ':q' .. number) or sub(value or '', 5)
  said[#said + 1] = pack('<I4I4I4', number, #pointers / 5, is_many and in_order(pointers) ~= pointers and 1 or 0)
end
local answer, from, to = { codes, table.concat(said) }, first / 8, (first + count) / 8 - 1
for b = 0, 47 do answer[#answer + 1] = call('GETRANGE', P .. ':s' .. b, from, to) end
answer[#answer + 1] = call('GETRANGE', P .. ':long', from, to)
answer[#answer + 1] = call('GETRANGE', P .. ':live', from, to)
return answer
