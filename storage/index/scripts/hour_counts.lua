-- ARGV: first and last hour. Answers of each hour that has events, 12 bytes each: the hour, how many, how many of them are of faces.
local answer = {}
for _, hour in ipairs(call('ZRANGEBYSCORE', P .. ':hours', ARGV[1], ARGV[2])) do
  local counts = call('HMGET', P .. ':k', hour, 'f' .. hour)
  answer[#answer + 1] = pack('<I4I4I4', hour, counts[1] or 0, counts[2] or 0)
end
return table.concat(answer)
