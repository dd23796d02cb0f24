-- ARGV: the first hour, the hour after the last one, and the most records. Removes records of the
-- oldest block of these hours. Returns {how many were removed, 1 if more may be left}. The limit bounds
-- the time of one call.
local most = tonumber(ARGV[3])
local hour = tonumber(call('ZRANGEBYSCORE', P .. ':hours', ARGV[1], '(' .. ARGV[2], 'LIMIT', 0, 1)[1])
if not hour then return { 0, 0 } end
local directory, k = directory_of(hour), 0
while unpack('<I4', directory, k * 8 + 1) == 0xffffffff do k = k + 1 end
local block, gone, at = block_of(hour, k), 0, 0
while gone < most and at < #block do
  local record = sub(block, at + 1, at + R)
  if record ~= GONE then
    forget(hour, k, at / R, record)
    gone = gone + 1
  end
  at = at + R
end
if at < #block then
  call('SETRANGE', block_key(hour, k), 0, string.rep('\0', at))
else
  drop_block(hour, k)
end
if gone > 0 then count_down(gone) end
return { gone, 1 }
