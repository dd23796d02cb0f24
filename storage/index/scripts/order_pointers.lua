-- ARGV: the number of the first plate, and after how many pointers to stop. Sorts the pointers of the
-- plates from that number on. Returns the number to continue with, or 0 at the end.
local number, most, done = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local numbers = call('STRLEN', P .. ':t') / 6
while number < numbers and done < most do
  local key = P .. ':q' .. number
  local pointers = call('GET', key) or ''
  local ordered = in_order(pointers)
  if ordered ~= pointers then call('SET', key, ordered) end
  number, done = number + 1, done + 10 + #pointers / 5
end
return number < numbers and number or 0
