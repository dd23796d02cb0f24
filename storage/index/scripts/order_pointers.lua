-- ARGV: a number of a plate, after how many pointers it is enough. Puts the pointers of plates from that number on in order; answers the
-- number to go on with, 0 where there is none.
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
