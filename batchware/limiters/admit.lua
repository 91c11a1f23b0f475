-- One admission: looks at every charge, and writes only if all of them fit (C36), or where a refusal costs too.
--
-- KEYS  the permit, then the counters of each charge
-- ARGV  milliseconds to remember the permit, then five of each charge:
--       "quota",       limit, cost, microseconds of its period, "1" if a refusal is charged
--       "concurrency", limit, cost, microseconds of its lease,  the holders, a line each
-- Returns words: admitted (1 or 0), microseconds to wait (-1: for ever), and for each charge what is left, the
-- microseconds until more is, and the period that was charged. The same words are kept under the permit.
--
-- Nothing is written before all has been looked at: a server that is out of memory, or only a replica, refuses a
-- script at its first write, so it refuses the whole of it.

local answered = redis.call('GET', KEYS[1])
if answered then
  return answered
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function whole(number)
  return string.format('%.0f', number)
end

-- The two counters of a quota as they stand now.
local function look_at_quota(charge)
  local row = redis.call('HMGET', charge.key, 'period', 'current', 'before')
  charge.elapsed = now % charge.span
  charge.period = (now - charge.elapsed) / charge.span
  charge.current, charge.before = 0, 0
  local period = tonumber(row[1])
  charge.fresh = period ~= charge.period
  if not charge.fresh then
    charge.current, charge.before = tonumber(row[2]), tonumber(row[3])
  elseif period == charge.period - 1 then
    charge.before = tonumber(row[2])
  elseif period == charge.period + 1 then
    -- The clock was set back, or this is another server's: what was spent stays spent.
    charge.period, charge.elapsed, charge.fresh = period, 0, false
    charge.current, charge.before = tonumber(row[2]), tonumber(row[3])
  end
end

local function look_at_slots(charge)
  charge.held = redis.call('ZCOUNT', charge.key, '(' .. whole(now), '+inf')
end

-- Microseconds until a charge alone would pass: 0 if it does, -1 for never.
local function wait(charge)
  if charge.cost > charge.limit then
    return -1
  end
  if charge.held then
    return charge.held + charge.cost <= charge.limit and 0 or 1000000
  end
  local rest = charge.span - charge.elapsed
  local left = charge.limit - charge.cost - charge.current
  if left < 0 then
    -- Not in this period; in the next one `current` is what was spent before.
    local fits = charge.span * (charge.limit - charge.cost) / charge.current
    return rest + math.floor(charge.span - fits) + 1
  end
  if charge.before * rest <= left * charge.span then
    return 0
  end
  return math.floor(rest - charge.span * left / charge.before) + 1
end

local function spend_quota(charge)
  charge.current = math.min(charge.current + charge.cost, charge.limit)
  redis.call('HSET', charge.key, 'period', whole(charge.period), 'current', charge.current, 'before', charge.before)
  if charge.fresh then
    redis.call('PEXPIRE', charge.key, whole(math.ceil(charge.span / 500)))
  end
end

local function take_slots(charge)
  local ends = whole(now + charge.span)
  local members = {}
  for holder in string.gmatch(charge.more, '[^\n]+') do
    members[#members + 1] = ends
    members[#members + 1] = holder
  end
  if #members > 0 then
    redis.call('ZADD', charge.key, unpack(members))
    redis.call('ZREMRANGEBYSCORE', charge.key, '-inf', whole(now))
    local lease = math.ceil(charge.span / 1000)
    if redis.call('PTTL', charge.key) < lease then
      redis.call('PEXPIRE', charge.key, whole(lease))
    end
    charge.held = charge.held + #members / 2
  end
end

local charges, refused = {}, false
for index = 2, #KEYS do
  local at = 5 * index - 8
  local charge = {
    key = KEYS[index],
    limit = tonumber(ARGV[at + 1]),
    cost = tonumber(ARGV[at + 2]),
    span = tonumber(ARGV[at + 3]),
    more = ARGV[at + 4],
  }
  if ARGV[at] == 'quota' then
    look_at_quota(charge)
  else
    look_at_slots(charge)
  end
  charges[#charges + 1] = charge
  refused = refused or wait(charge) ~= 0
end

local spent = false
for _, charge in ipairs(charges) do
  if not charge.held and (not refused or charge.more == '1') then
    spend_quota(charge)
    spent = true
  elseif charge.held and not refused then
    take_slots(charge)
    spent = true
  end
end

-- Where a refusal was charged, the time to wait is another now.
local longest = 0
if refused then
  for _, charge in ipairs(charges) do
    local own = wait(charge)
    longest = (own < 0 or longest < 0) and -1 or math.max(longest, own)
  end
end

local words = { refused and '0' or '1', whole(longest) }
for _, charge in ipairs(charges) do
  local left, reset = charge.limit, 0
  if charge.held then
    left = charge.limit - charge.held
  elseif charge.current > 0 or charge.before > 0 then
    reset = charge.span - charge.elapsed
    left = math.floor(charge.limit - charge.current - charge.before * reset / charge.span)
  end
  words[#words + 1] = whole(math.max(0, left))
  words[#words + 1] = whole(reset)
  words[#words + 1] = whole(charge.period or 0)
end
local answer = table.concat(words, ' ')
if spent then
  redis.call('SET', KEYS[1], answer, 'PX', ARGV[1])
end
return answer
