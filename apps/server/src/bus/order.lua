-- The order of one session, for all nodes that serve it: what Order of core/server/delivery decides in one process. One call is one step.
--
-- {m}:meta  log, born, lasts, at, head, mark, commit, handshake, snapshot, needed, proposals, used, base, base_*, kept_bytes, asked, empty
-- {m}:log   stream "time-seq": c class, m mark, o whose call it was, s what it holds
-- {m}:kept  what joiners need of what was trimmed: seq to "time class chain" and a new line and what it holds
-- {m}:who   identity to "node connection connected known gone when"
-- {m}:nodes node to its last tick
--
-- A mark stands for an entry and all that came before it: so a node shows by the newest one that it mirrors that this is the log that it mirrors.

local meta, log, kept, who, nodes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local op, id, node, bound = ARGV[1], ARGV[2], ARGV[6], tonumber(ARGV[7])
local known = { seq = tonumber(ARGV[3]), at = ARGV[4], mark = ARGV[5] }

local COMMIT, PROPOSAL, JOIN_REQUEST, SNAPSHOT, GONE = 1, 2, 4, 6, 7
local OVERHEAD, PUBLISHED = 128, 32768
local ADDED_AFTER, LINGER, KEPT_FOR = 10000, 60000, 60000
-- A node that does not tick for so long, in ms: its members take no place among the people; they are gone.
local SILENT, DEAD = 3000, 5000
local IDENTITIES_PER_PERSON = 4

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local m, changed = {}, {}
local stored = redis.call('HGETALL', meta)
for i = 1, #stored, 2 do
  m[stored[i]] = stored[i + 1]
end

local function number(name)
  return tonumber(m[name]) or 0
end

local function set(name, value)
  m[name] = value
  changed[name] = true
end

local function field(entry, name)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == name then
      return fields[i + 1]
    end
  end
end

local function read(value)
  local at_node, conn, connected, is_known, gone, since = string.match(value, '^(%d+) (%d+) (%d) (%d) (%d) (%d+)$')
  return { node = at_node, conn = conn, connected = connected == '1', known = is_known == '1', gone = gone == '1', since = tonumber(since) }
end

local function find(member)
  local value = redis.call('HGET', who, member)
  return value and read(value)
end

local function put(member, p)
  local function bit(flag) return flag and '1' or '0' end
  local value = { p.node, p.conn, bit(p.connected), bit(p.known), bit(p.gone), string.format('%.0f', p.since) }
  redis.call('HSET', who, member, table.concat(value, ' '))
end

-- In the order of identities, as the other form has them.
local function everybody()
  local flat, all = redis.call('HGETALL', who), {}
  for i = 1, #flat, 2 do
    all[#all + 1] = { who = flat[i], p = read(flat[i + 1]) }
  end
  table.sort(all, function(a, b) return a.who < b.who end)
  return all
end

local function connected()
  local count = 0
  for _, member in ipairs(everybody()) do
    if member.p.connected then
      count = count + 1
    end
  end
  return count
end

-- The log's time, which never goes back.
local function time()
  return math.max(number('at'), now - number('born'))
end

-- In ms; negative for a log without end.
local function left()
  return (m.lasts or '') == '' and -1 or math.max(0, tonumber(m.lasts) - time())
end

local function finish()
  redis.call('PUBLISH', meta, 'x ' .. m.log)
  redis.call('DEL', meta, log, kept, who, nodes)
end

local function check(class, parent, size)
  local commit, cost = number('commit'), size + OVERHEAD
  local current = commit > 0
  if class == COMMIT then
    current = parent == commit
  elseif class == SNAPSHOT then
    current = commit > 0 and parent == commit and commit == number('handshake')
  end
  if not current then
    return { 'stale', commit }
  end
  local is_catch_up = class == COMMIT or class == PROPOSAL or class == SNAPSHOT
  local most = bound
  if class == COMMIT or class == PROPOSAL then
    most = bound - math.floor(bound / 4)
  end
  local needed = class == SNAPSHOT and 0 or number('needed')
  local has_room = needed + cost <= most
  if class == PROPOSAL then
    has_room = has_room and number('proposals') + cost <= math.floor(bound / 16)
  end
  -- Nodes trim long before; commits and snapshots find room even when none does.
  local all = bound + math.floor(bound / (is_catch_up and 2 or 4))
  if not has_room or number('used') + cost > all then
    return { 'full' }
  end
end

local function append(class, parent, sealed, origin)
  if left() == 0 then
    return { 'over' }
  end
  local refused = check(class, parent, #sealed)
  if refused then
    return refused
  end
  local cost, seq = #sealed + OVERHEAD, number('head') + 1
  local at = time()
  local place = string.format('%.0f-%.0f', at, seq)
  local mark = string.sub(redis.sha1hex(table.concat({ m.mark, place, class, sealed }, ' ')), 1, 16)
  redis.call('XADD', log, place, 'c', class, 'm', mark, 'o', origin, 's', sealed)
  if class == COMMIT then
    set('commit', seq)
    set('handshake', seq)
  elseif class == PROPOSAL then
    set('handshake', seq)
  elseif class == SNAPSHOT then
    redis.call('DEL', kept)
    set('snapshot', seq)
    set('used', number('used') - number('kept_bytes'))
    set('kept_bytes', 0)
    set('needed', 0)
    set('proposals', 0)
  end
  if class == COMMIT or class == PROPOSAL or class == SNAPSHOT then
    set('needed', number('needed') + cost)
  end
  if class == PROPOSAL then
    set('proposals', number('proposals') + cost)
  end
  set('head', seq)
  set('at', string.format('%.0f', at))
  set('mark', mark)
  set('used', number('used') + cost)
  if #sealed > PUBLISHED then
    redis.call('PUBLISH', meta, 'l ' .. seq)
  else
    redis.call('PUBLISH', meta, table.concat({ 'e', place, class, mark, origin }, ' ') .. '\n' .. sealed)
  end
  return nil, seq
end

local function append_gone(members)
  if #members > 0 and connected() > 0 then
    for _, member in ipairs(members) do
      append(GONE, 0, member, '-')
    end
  end
end

local function note_empty()
  if m.empty == '' and connected() == 0 then
    set('empty', string.format('%.0f', now))
  end
end

-- What the members of silent nodes come to; whoever calls first does it.
local function sweep()
  local ticks, gone = redis.call('HGETALL', nodes), {}
  local silent, dead = {}, {}
  for i = 1, #ticks, 2 do
    local age = now - tonumber(ticks[i + 1])
    silent[ticks[i]], dead[ticks[i]] = age > SILENT, age > DEAD
  end
  for _, member in ipairs(everybody()) do
    local p = member.p
    if p.gone and not p.connected and now - p.since > LINGER then
      redis.call('HDEL', who, member.who)
    elseif dead[p.node] and not p.gone then
      p.connected, p.gone, p.since = false, true, now
      put(member.who, p)
      if p.known then
        gone[#gone + 1] = member.who
      end
    elseif silent[p.node] and p.connected then
      p.connected = false
      put(member.who, p)
    end
  end
  for name, is_dead in pairs(dead) do
    if is_dead then
      redis.call('HDEL', nodes, name)
    end
  end
  note_empty()
  append_gone(gone)
end

local ops = {}

function ops.enter(member, conn, _, people)
  local p = find(member)
  if not (p and p.connected) then
    if connected() >= people or (not p and redis.call('HLEN', who) >= people * IDENTITIES_PER_PERSON) then
      return { 'too many people' }
    end
  end
  if p and p.connected and p.node == node and tonumber(p.conn) > tonumber(conn) then
    return { 'outdated' }
  end
  local is_known = p and p.known or false
  put(member, { node = node, conn = conn, connected = true, known = is_known, gone = false, since = now })
  set('empty', '')
  redis.call('HSETNX', nodes, node, string.format('%.0f', now))
  redis.call('PUBLISH', meta, 'p ' .. node .. ' ' .. conn .. '\n' .. member)
  return { 'entered', m.log, is_known and 1 or 0, left() }
end

local function change(member, conn, apply)
  local p = find(member)
  if p and p.node == node and p.conn == conn then
    apply(p)
    p.since = now
    put(member, p)
  end
  note_empty()
  return { 'done' }
end

function ops.away(member, conn)
  return change(member, conn, function(p) p.connected = false end)
end

function ops.back(member, conn)
  local p = find(member) or { node = node, conn = conn, known = false }
  if p.node == node and p.conn == conn then
    p.connected, p.gone, p.since = true, false, now
    put(member, p)
    set('empty', '')
  end
  return { 'done' }
end

function ops.gone(member, conn)
  local p = find(member)
  if p and p.node == node and p.conn == conn and not p.gone then
    p.gone, p.since = true, now
    put(member, p)
    append_gone(p.known and { member } or {})
  end
  return { 'done' }
end

function ops.forget(member, conn)
  local p = find(member)
  if p and p.node == node and p.conn == conn and p.gone and not p.connected then
    redis.call('HDEL', who, member)
  end
  return { 'done' }
end

function ops.append(member, newcomer, class, parent, origin, sealed)
  class = tonumber(class)
  local refused, seq = append(class, tonumber(parent), sealed, origin)
  if refused then
    return refused
  end
  if class == JOIN_REQUEST then
    set('asked', string.format('%.0f', now))
  end
  if class == COMMIT or class == JOIN_REQUEST then
    local p = find(member)
    if p and not p.known then
      p.known = true
      put(member, p)
    end
  end
  -- Whoever comes in now may not have read who is gone.
  if class == COMMIT and (newcomer == '1' or (m.asked ~= '' and now < tonumber(m.asked) + ADDED_AFTER)) then
    local gone = {}
    for _, other in ipairs(everybody()) do
      if other.p.gone and other.p.known then
        gone[#gone + 1] = other.who
      end
    end
    append_gone(gone)
  end
  return { 'appended', seq, number('used') }
end

-- Its arguments are as many as what is kept, which may be more than a function takes.
local function trim(arguments)
  local upto, next_at, chain, commit = tonumber(arguments[1]), arguments[2], arguments[3], arguments[4]
  if upto <= number('base') or upto >= number('head') then
    return { 'done' }
  end
  local keep = {}
  for i = 5, #arguments, 2 do
    keep[tonumber(arguments[i])] = arguments[i + 1]
  end
  local freed, kept_bytes, last = 0, number('kept_bytes'), nil
  local first_left = next_at .. '-' .. string.format('%.0f', upto + 1)
  for _, entry in ipairs(redis.call('XRANGE', log, '-', '(' .. first_left)) do
    local at, seq = string.match(entry[1], '^(%d+)-(%d+)$')
    local class, sealed = tonumber(field(entry, 'c')), field(entry, 's')
    local is_catch_up = class == COMMIT or class == PROPOSAL or class == SNAPSHOT
    seq, last = tonumber(seq), entry
    if is_catch_up and seq >= number('snapshot') and keep[seq] then
      redis.call('HSET', kept, seq, at .. ' ' .. class .. ' ' .. keep[seq] .. '\n' .. sealed)
      kept_bytes = kept_bytes + #sealed + OVERHEAD
    else
      freed = freed + #sealed + OVERHEAD
    end
  end
  redis.call('XTRIM', log, 'MINID', first_left)
  set('base', upto)
  set('base_chain', chain)
  set('base_commit', commit)
  set('base_mark', last and field(last, 'm') or m.mark)
  set('kept_bytes', kept_bytes)
  set('used', number('used') - freed)
  return { 'done' }
end

function ops.tick()
  local before = redis.call('HGET', nodes, node)
  redis.call('HSET', nodes, node, string.format('%.0f', now))
  sweep()
  local lapsed = not before or now - tonumber(before) > SILENT
  return { 'ticked', number('head'), lapsed and 1 or 0 }
end

ops['end'] = function()
  finish()
  return { 'ended' }
end

-- Whether the node mirrors another past than this log has.
local function is_rewound()
  local mark
  if known.seq == number('head') then
    mark = m.mark
  elseif known.seq == number('base') then
    mark = m.base_mark
  else
    local place = known.at .. '-' .. ARGV[3]
    local entry = redis.call('XRANGE', log, place, place)[1]
    mark = entry and field(entry, 'm')
  end
  return mark ~= known.mark
end

if op == 'enter' then
  if m.log and (m.empty ~= '' and now - tonumber(m.empty) >= LINGER or left() == 0) then
    finish()
    m = {}
  end
  if not m.log and id == '' then
    redis.call('DEL', meta, log, kept, who, nodes)
    local empty = string.format('%.0f', now)
    for name, value in pairs({ log = ARGV[10], born = empty, lasts = ARGV[12], at = 0, head = 0, mark = '', base = 0, base_mark = '', empty = empty, asked = '' }) do
      set(name, value)
    end
  end
end
if not m.log or (id ~= m.log and not (op == 'enter' and id == '')) then
  return { 'ended' }
end
if op == 'end' then
  return ops['end']()
end
if id ~= '' then
  if known.seq < number('base') then
    return { 'behind' }
  end
  if is_rewound() then
    return { 'rewound' }
  end
end
local arguments = {}
for i = 8, #ARGV do
  arguments[#arguments + 1] = ARGV[i]
end
if op == 'enter' then
  arguments[4] = tonumber(arguments[4])
end
local told = op == 'trim' and trim(arguments) or ops[op](unpack(arguments))
local writes = {}
for name in pairs(changed) do
  writes[#writes + 1] = name
  writes[#writes + 1] = m[name]
end
if #writes > 0 then
  redis.call('HSET', meta, unpack(writes))
end
-- The others outlive what says that they are there.
redis.call('PEXPIRE', meta, KEPT_FOR)
for _, key in ipairs({ log, kept, who, nodes }) do
  redis.call('PEXPIRE', key, KEPT_FOR + 10000)
end
return told
