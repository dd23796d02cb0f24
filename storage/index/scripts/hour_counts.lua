-- ARGV: the first and the last hour. Returns 12 bytes for each hour that has events: the hour, the
-- count of its events, and the count of its faces.
local answer = {}
for _, hour in ipairs(call('ZRANGEBYSCORE', P .. ':hours', ARGV[1], ARGV[2])) do
  local counts = call('HMGET', P .. ':k', hour, 'f' .. hour)
  answer[#answer + 1] = pack('<I4I4I4', hour, counts[1] or 0, counts[2] or 0)
end
return table.concat(answer)
