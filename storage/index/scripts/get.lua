local at, blob, answer = 1, ARGV[1], {}
while at <= #blob do
  local hour, start, tail
  hour, start, tail, at = unpack('<I4I4c10', blob, at)
  local k, ordinal, record = find(hour, start, tail)
  answer[#answer + 1] = k and to_pointer(hour, k * CAPACITY + ordinal) .. record or ''
end
return answer
