-- What is counted for all nodes: what LocalCounts of core/server/admission counts in one process. One call is one step.
--
-- {counts}:whole_at  whose to when that allowance is whole again, in ms
-- {counts}:receipts  receipts to when they were given
-- {counts}:taken     receipts to "whose cost whose cost …"

local whole_at, receipts, taken = KEYS[1], KEYS[2], KEYS[3]
local op, receipt = ARGV[1], ARGV[2]
local REMEMBERED, RECEIPT, KEPT_FOR = tonumber(ARGV[3]), tonumber(ARGV[4]), 2 * 24 * 60 * 60 * 1000
local FORGOTTEN_AT_ONCE = 1000

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function text(number) return string.format('%.0f', number) end

redis.call('ZREMRANGEBYSCORE', whole_at, '-inf', now)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', receipts, '-inf', now - RECEIPT, 'LIMIT', 0, FORGOTTEN_AT_ONCE)) do
  redis.call('ZREM', receipts, old)
  redis.call('HDEL', taken, old)
end

if op == 'give' then
  local given = redis.call('HGET', taken, receipt) or ''
  for whose, cost in string.gmatch(given, '(%S+) (%d+)') do
    if redis.call('ZSCORE', whole_at, whose) then
      redis.call('ZINCRBY', whole_at, -tonumber(cost), whose)
    end
  end
  redis.call('HDEL', taken, receipt)
  redis.call('ZREM', receipts, receipt)
  return 0
end

local remembered, uses, wait = redis.call('ZCARD', whole_at), {}, 0
for i = 5, #ARGV, 3 do
  local whose, cost, whole = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local before = redis.call('ZSCORE', whole_at, whose)
  if not before and remembered >= REMEMBERED then
    -- Of its kind, of all who are not remembered.
    whose = string.sub(whose, 1, 2)
    before = redis.call('ZSCORE', whole_at, whose)
  end
  local after = math.max(now, tonumber(before) or 0) + cost
  wait = math.max(wait, after - now - whole)
  uses[#uses + 1] = { whose = whose, cost = cost, after = after }
end
if wait > 0 then
  return wait
end
local names = {}
for _, use in ipairs(uses) do
  redis.call('ZADD', whole_at, text(use.after), use.whose)
  names[#names + 1] = use.whose .. ' ' .. text(use.cost)
end
if receipt ~= '' and redis.call('ZCARD', receipts) < REMEMBERED then
  redis.call('ZADD', receipts, text(now), receipt)
  redis.call('HSET', taken, receipt, table.concat(names, ' '))
end
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, KEPT_FOR)
end
return 0
