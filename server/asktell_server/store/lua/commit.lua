#!lua
-- Applies a commit of trial changes, all or nothing. args: epoch, study_revision, max_running, max_charged,
-- known_number (each nil = no condition), nothing_waits, staleness, known_ready (id → true; nil = all), forgets_ready,
-- writes, fingerprint, ttl. A write: number (0 = new), expected_revision, state, charged, surprise, digest, lease,
-- lease_ms (nil = as it is, 0 = without end), only_if_lapsed, only_if_unique, delete, import_key, ready_id ('' = none), blob.
local head = redis.call('HMGET', META, 'epoch', 'revision', 'sequence', 'number', 'charged', 'RUNNING', 'QUEUED')
local epoch, sequence, last_number = head[1], tonumber(head[3]), tonumber(head[4])
local newest = last_number
if not epoch then return {'NO_STUDY'} end

local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
if memory and memory.kind == 'commit' and memory.epoch == epoch then
  touch_request()
  return {'OK', memory.sequence, memory.created, 1, replayed_rows(memory)}
end
if (args.epoch and args.epoch ~= epoch) or (args.study_revision and args.study_revision ~= tonumber(head[2])) then
  return {'CONFLICT', 'STUDY_CHANGED', -1, false}
end

-- 1. Check: walk through the writes on copies of what they touch. No two of them name the same trial.
local now = steady_now_ms()
if args.nothing_waits then
  local lapsed = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, 1)
  if tonumber(head[7] or 0) > 0 or lapsed[1] then return {'CONFLICT', 'SOMETHING_WAITS', -1, false} end
end
local holders = {}   -- digest → how many open trials hold it after the writes so far
local imported = {}  -- import key → trial that has it after the writes so far; false = none
local counts = {}    -- state → change of its count
local charged, surprise = 0, 0
local steps = {}
local ready = nil    -- what is prepared, once it is needed
local used = {}      -- prepared suggestions that become trials

local function use(id)
  ready = ready or read_ready()
  for _, prepared in ipairs(ready) do
    if prepared.id == id and is_fresh(prepared, epoch, progress(), args.staleness) then
      used[#used + 1] = prepared.element
      return true
    end
  end
  return false
end

local function hold(digest, change)
  if not holders[digest] then holders[digest] = tonumber(redis.call('HGET', ACTIVE, digest) or 0) end
  holders[digest] = holders[digest] + change
  return holders[digest]
end

local function count(trial, change)
  counts[trial.state] = (counts[trial.state] or 0) + change
  charged = charged + change * trial.charged
  surprise = surprise + change * trial.surprise
  if is_open(trial) then return hold(trial.digest, change) end
  return 0
end

-- A trial that the caller did not know yet has the configuration, though it may have ended since: they are few.
local function made_meanwhile(digest)
  for number = args.known_number + 1, newest do
    local trial = parse(redis.call('HGET', TRIALS, number))
    if trial and trial.digest == digest then return true end
  end
  return false
end

local function trial_imported_as(key)
  if imported[key] == nil then
    local number = redis.call('HGET', IMPORTS, key)
    imported[key] = number and redis.call('HEXISTS', TRIALS, number) == 1 and tonumber(number)
  end
  return imported[key]
end

for i, write in ipairs(args.writes) do
  local function conflict(kind, trial)
    return {'CONFLICT', kind, i - 1, trial and row(write.number, trial.value) or false}
  end
  local known = write.number == 0 and write.import_key ~= '' and trial_imported_as(write.import_key)
  if known then
    steps[i] = {number = known, stored = true}
  else
    local old = nil
    local number = write.number
    if number == 0 then
      if write.ready_id ~= '' and not use(write.ready_id) then return conflict('READY_GONE') end
      last_number = last_number + 1
      number = last_number
      if write.import_key ~= '' then imported[write.import_key] = number end
    else
      old = parse(redis.call('HGET', TRIALS, number))
      if not old or old.revision ~= write.expected_revision then return conflict('TRIAL_CHANGED', old) end
      if write.only_if_lapsed then
        local deadline = redis.call('ZSCORE', LEASES, number)
        if not deadline or tonumber(deadline) > now then return conflict('LEASE_RENEWED', old) end
      end
      count(old, -1)
    end
    if write.delete then
      imported[write.import_key] = false
      steps[i] = {number = number, old = old, delete = true}
    else
      local new = {
        revision = write.expected_revision + 1, state = write.state, charged = write.charged,
        surprise = write.surprise, digest = write.digest, lease = write.lease,
      }
      if count(new, 1) > 1 and write.only_if_unique then return conflict('DUPLICATE', old) end
      if write.only_if_unique and not old and args.known_number and made_meanwhile(new.digest) then
        return conflict('DUPLICATE', old)
      end
      steps[i] = {number = number, old = old, new = new}
    end
  end
end
if args.max_running and tonumber(head[6] or 0) + (counts.RUNNING or 0) > args.max_running then
  return {'CONFLICT', 'TOO_MANY_RUNNING', -1, false}
end
if args.max_charged and tonumber(head[5]) + charged > args.max_charged then
  return {'CONFLICT', 'BUDGET_SPENT', -1, false}
end

-- 2. Write.
local rows = {}
local versions = {}
local created = 0
local forgets = args.forgets_ready
for i, step in ipairs(steps) do
  local write, number, new = args.writes[i], step.number, step.new
  if step.stored then
    local value = redis.call('HGET', TRIALS, number)
    rows[i] = row(number, value)
    versions[i] = parse(value).sequence
  elseif step.delete then
    rows[i] = row(number, step.old.value)
    versions[i] = step.old.sequence
    sequence = sequence + 1
    forgets = true
    append(sequence, 'D', number, '')
    redis.call('HDEL', TRIALS, number)
    redis.call('ZREM', LEASES, number)
    for index = 0, rows[i][3] - 1 do redis.call('HDEL', REPORTS, string.format('%d:%d', number, index)) end
    redis.call('HDEL', REPORTS, number, string.format('%d:stop', number))
    if write.import_key ~= '' then redis.call('HDEL', IMPORTS, write.import_key) end
  else
    sequence = sequence + 1
    new.sequence = sequence
    new.value = string.format('%d %s %d %s %s %d %d\n', new.revision, new.state, new.charged, new.digest, new.lease,
      sequence, new.surprise) .. write.blob
    redis.call('HSET', TRIALS, number, new.value)
    append(sequence, 'T', number, new.value)
    if new.state ~= 'RUNNING' or write.lease_ms == 0 then
      redis.call('ZREM', LEASES, number)
    elseif write.lease_ms then
      redis.call('ZADD', LEASES, now + write.lease_ms, number)
    end
    if step.old and not is_open(step.old) and step.old.state ~= new.state then forgets = true end
    if not step.old then
      created = created + 1
      if write.import_key ~= '' then redis.call('HSET', IMPORTS, write.import_key, number) end
    end
    rows[i] = row(number, '')
    versions[i] = sequence
  end
end
for digest, holding in pairs(holders) do
  if holding > 0 then redis.call('HSET', ACTIVE, digest, holding) else redis.call('HDEL', ACTIVE, digest) end
end
for state, change in pairs(counts) do
  if change ~= 0 then redis.call('HINCRBY', META, state, change) end
end
if charged ~= 0 then redis.call('HINCRBY', META, 'charged', charged) end
if surprise ~= 0 then redis.call('HINCRBY', META, SURPRISE, surprise) end
for _, element in ipairs(used) do redis.call('LREM', READY, 1, element) end
if forgets then
  forget_ready()
elseif created > #used then
  redis.call('DEL', PREPARING)  -- whoever prepares does not know of these trials
  if args.known_ready then
    for _, prepared in ipairs(ready or read_ready()) do
      if not args.known_ready[prepared.id] then redis.call('LREM', READY, 1, prepared.element) end
    end
  end
end
if sequence ~= tonumber(head[3]) then
  redis.call('HSET', META, 'sequence', sequence, 'number', last_number)
  publish(sequence)
end
remember({kind = 'commit', epoch = epoch, sequence = sequence, created = created, versions = versions})
return {'OK', sequence, created, 0, rows}
