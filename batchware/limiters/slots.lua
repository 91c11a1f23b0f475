-- Frees slots, or extends the leases of those that still live (C39).
--
-- KEYS  the slots of one limit and subject each
-- ARGV  "release" or "renew", then two for each key: microseconds of its lease, the holders, a line each
-- Returns the places of the slots that were lost, counted through all of them from 0, as words.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local place, lost = 0, {}

for index, key in ipairs(KEYS) do
  local lease = tonumber(ARGV[2 * index])
  local ends = string.format('%.0f', now + lease)
  for holder in string.gmatch(ARGV[2 * index + 1], '[^\n]+') do
    if ARGV[1] == 'release' then
      redis.call('ZREM', key, holder)
    else
      local score = redis.call('ZSCORE', key, holder)
      if score and tonumber(score) > now then
        redis.call('ZADD', key, 'XX', ends, holder)
      else
        lost[#lost + 1] = place
      end
    end
    place = place + 1
  end
  if ARGV[1] == 'renew' and redis.call('PTTL', key) < lease / 1000 then
    redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(lease / 1000)))
  end
end
return table.concat(lost, ' ')
