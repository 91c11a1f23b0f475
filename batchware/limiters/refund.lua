-- Undoes one admission whose answer never arrived: a batch that was not run spends nothing (C36, C41).
--
-- KEYS and ARGV are those of `admit.lua`. Whether or not the admission has come here, its permit is void afterwards:
-- a call that waits in the buffer of a frozen server, and is carried out after this one, charges nothing.

local answered = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], 'void', 'PX', ARGV[1])
if not answered or answered == 'void' then
  return 0
end

local words = {}
for word in string.gmatch(answered, '%S+') do
  words[#words + 1] = word
end
local admitted = words[1] == '1'

for index = 2, #KEYS do
  local key, at = KEYS[index], 5 * index - 8
  local cost, more = tonumber(ARGV[at + 2]), ARGV[at + 4]
  if ARGV[at] == 'concurrency' then
    for holder in string.gmatch(more, '[^\n]+') do
      redis.call('ZREM', key, holder)
    end
  elseif admitted or more == '1' then
    local charged = tonumber(words[3 * index - 1])
    local row = redis.call('HMGET', key, 'period', 'current', 'before')
    local period = tonumber(row[1])
    if period == charged then
      redis.call('HSET', key, 'current', math.max(0, row[2] - cost))
    elseif period == charged + 1 then
      redis.call('HSET', key, 'before', math.max(0, row[3] - cost))
    end
  end
end
return 1
