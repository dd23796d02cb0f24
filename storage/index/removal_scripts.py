"""What runs inside Redis to take events out of the index: single ones, and whole hours. See
index_keys.
"""

from __future__ import annotations

from storage.index.detail_scripts import DETAILS
from storage.index.key_scripts import SHARD
from storage.index.posting_scripts import POSTINGS

_FORGETTING = """
local function forget(hour, k, ordinal, record)
  count_hour(hour, '', -1)
  if is_face(record) then count_hour(hour, 'f', -1) end
  local pointer, flags = to_pointer(hour, k * CAPACITY + ordinal), string.byte(record, 4)
  for code in pairs(posts_of(hour, k, ordinal, record)) do unpost(code, pointer) end
  if bit.band(flags, 0x40) ~= 0 then put_alternatives(hour, k, ordinal, '') end
  if bit.band(flags, 0x80) ~= 0 then
    call('HDEL', P .. ':x', pointer)
    call('ZREM', P .. ':odd', pointer)
  end
end

local function drop_all()
  for b = 0, 47 do call('DEL', P .. ':s' .. b) end
  call('DEL', P .. ':t', P .. ':free', P .. ':live', P .. ':long', P .. ':n', P .. ':pl', P .. ':odd', P .. ':version')
end

-- Of a block that holds nothing any more nothing stays, nor of an hour without blocks.
local function drop_block(hour, k)
  call('DEL', block_key(hour, k), alternatives_key(hour, k))
  blocks[block_key(hour, k)] = nil
  set_directory(hour, k, 0xffffffff, 0)
  local directory = directory_of(hour)
  for i = 0, #directory / 8 - 1 do
    if unpack('<I4', directory, i * 8 + 1) ~= 0xffffffff then return end
  end
  call('DEL', hour_key(hour))
  directories[hour] = nil
  call('ZREM', P .. ':hours', hour)
end

local function count_down(gone)
  if call('DECRBY', P .. ':n', gone) == 0 then drop_all() end
end
"""  # noqa: E501

EVICT = (
    SHARD
    + POSTINGS
    + DETAILS
    + _FORGETTING
    + """
local function remove(hour, k, ordinal, record)
  forget(hour, k, ordinal, record)
  set_record(hour, k, ordinal, GONE)
  if string.find(block_of(hour, k), '[^%z]') == nil then drop_block(hour, k) end
  count_down(1)
end

-- Removes what this shard has of these events and is not newer. Answers for each: 0 nothing was here, 1 it is newer here, 2 removed.
local at, blob, answer = 1, ARGV[1], {}
while at <= #blob do
  local hour, start, tail, ended, clip
  hour, start, tail, ended, clip, at = unpack('<I4I4c10dB', blob, at)
  local k, ordinal, record = find(hour, start, tail)
  answer[#answer + 1] = 0
  if k then
    local here, there = standing(hour, k, ordinal, record), ended * 4 + clip
    answer[#answer] = here > there and 1 or 2
    if here <= there then remove(hour, k, ordinal, record) end
  end
end
return answer
"""  # noqa: E501
)

EXPIRE = (
    SHARD
    + POSTINGS
    + DETAILS
    + _FORGETTING
    + """
-- ARGV: an hour, most records. Forgets so many of the oldest block of the hours before it, and answers {how many, 1 where more are left}.
-- A call has an end however much there is; whatever it left, the next goes on with.
local before, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local hour = tonumber(call('ZRANGE', P .. ':hours', 0, 0)[1])
if not hour or hour >= before then return { 0, 0 } end
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
if at < #block then call('SETRANGE', block_key(hour, k), 0, string.rep('\\0', at)) else drop_block(hour, k) end
if gone > 0 then count_down(gone) end
return { gone, 1 }
"""  # noqa: E501
)

LOOK = (
    SHARD
    + """
-- ARGV: most blocks, then runs of hour, least and greatest start. Answers the blocks that may hold these, 1 where they are more.
local most, answer = tonumber(ARGV[1]), {}
for at = 1, #ARGV[2], 12 do
  local hour, least, greatest = unpack('<I4I4I4', ARGV[2], at)
  local directory = directory_of(hour)
  for k = 0, #directory / 8 - 1 do
    local low, high = unpack('<I4I4', directory, k * 8 + 1)
    if low <= greatest and high >= least then
      if #answer == most then return 1 end
      answer[#answer + 1] = call('GET', block_key(hour, k))
    end
  end
end
return answer
"""  # noqa: E501
)
