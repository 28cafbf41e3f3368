-- What all scripts share; the loader puts it behind the first line of each.
--
-- A script checks first and writes last, because an error does not roll back what was written. Blobs are opaque.
-- Whole numbers stay below 2^53; nothing else is computed with.

local META, TRIALS, LEASES, ACTIVE, LOG, REPORTS, IMPORTS, MODEL, READY, PREPARING, SNAPSHOT, REQUEST = unpack(KEYS)
local args = cmsgpack.unpack(ARGV[1])

-- The field of META with the sum of all surprises. Its name is that of the first servers that kept it, and stays readable.
local SURPRISE = 'news'

-- Milliseconds since 1970 by the store's clock, the only one that judges leases.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- How often the clock is noted; how far it may go back unnoticed, and how much longer a lease may live because of it.
local CLOCK_STEP_MS = 1000

-- How far the clock has been set back since it was noted last, in ms; 0 = not noticeably.
local function set_back_ms(now)
  local back = tonumber(redis.call('HGET', META, 'clock') or 0) - now
  return back > CLOCK_STEP_MS and back or 0
end

-- The clock, for scripts that write. Where it has been set back, leases go back with it and keep the time they have left.
local function steady_now_ms()
  local now = now_ms()
  local back = set_back_ms(now)
  if back > 0 then
    for _, number in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do redis.call('ZINCRBY', LEASES, -back, number) end
    redis.call('DEL', PREPARING)  -- its expiry does not go back
  end
  if back > 0 or now - tonumber(redis.call('HGET', META, 'clock') or 0) > CLOCK_STEP_MS then
    redis.call('HSET', META, 'clock', now)
  end
  return now
end

-- The study as `StudyHead` needs it (replies.py reads it in this order); nil when there is no such study.
local function read_head()
  local head = redis.call('HMGET', META, 'epoch', 'study', 'revision', 'sequence', 'number', 'charged', SURPRISE,
    'QUEUED', 'RUNNING', 'SUCCEEDED', 'STOPPED', 'FAILED', 'INFEASIBLE', 'CANCELLED', 'ABANDONED')
  return head[1] and head or nil
end

-- A stored trial is one line that scripts read, and behind it the blob:
--   revision state charged digest lease sequence-of-the-log-entry surprise \n blob (older servers wrote no surprise)
local function parse(value)
  if not value then return nil end
  local revision, state, charged, digest, lease, sequence, surprise =
    string.match(value, '^(%d+) (%u+) ([01]) (%S+) (%S+) (%d+) ?(%d*)\n')
  return {
    revision = tonumber(revision), state = state, charged = tonumber(charged), digest = digest, lease = lease,
    sequence = tonumber(sequence), surprise = tonumber(surprise) or 0, value = value,
  }
end

-- Holds its configuration against other trials (`only_if_unique`).
local function is_open(trial)
  return trial.state == 'QUEUED' or trial.state == 'RUNNING'
end

-- How many trials have ended, and the sum of their surprises: what the age of a prepared suggestion is counted in.
local function progress()
  local found = redis.call('HMGET', META, SURPRISE, 'SUCCEEDED', 'STOPPED', 'FAILED', 'INFEASIBLE', 'CANCELLED',
    'ABANDONED')
  local ended = 0
  for i = 2, #found do ended = ended + tonumber(found[i] or 0) end
  return {ended = ended, surprise = tonumber(found[1] or 0)}
end

-- What is prepared, the oldest first. Each is one line that scripts read, and behind it the blob of a trial:
--   id epoch trials-that-had-ended surprise last-known-number \n blob
local function read_ready()
  local ready = redis.call('LRANGE', READY, 0, -1)
  for i, element in ipairs(ready) do
    local id, epoch, ended, surprise = string.match(element, '^(%S+) (%S+) (%d+) (%d+) %d+\n')
    ready[i] = {id = id, epoch = epoch, ended = tonumber(ended), surprise = tonumber(surprise), element = element}
  end
  return ready
end

-- Since it was computed no more trials have ended, and no more surprise has come, than the limit {ended, surprise} allows
-- (nil = any). Where there is less now than then, the study has been restored or corrected since.
local function is_fresh(prepared, epoch, now, limit)
  if prepared.epoch ~= epoch then return false end  -- older servers wrote other lines, which have no epoch here
  local ended, surprise = now.ended - prepared.ended, now.surprise - prepared.surprise
  return ended >= 0 and (not limit.ended or ended <= limit.ended)
    and (not limit.surprise or (surprise >= 0 and surprise <= limit.surprise))
end

-- Drops what is prepared and breaks the lock of whoever prepares: it knows something that is so no more.
local function forget_ready()
  redis.call('UNLINK', READY, PREPARING)
end

-- What an answer says of a trial: number, value, how many measurements it has, when its lease ends (ms, -1 = none).
local function row(number, value)
  local count = redis.call('HGET', REPORTS, number)
  local deadline = redis.call('ZSCORE', LEASES, number)
  return {number, value, tonumber(count or 0), tonumber(deadline or -1)}
end

-- One entry of the log, as {kind, number, value}; nil when it is not there.
local function log_entry(sequence)
  local id = string.format('%d-0', sequence)
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  if not entry then return nil end
  local fields = entry[2]
  return {fields[2], tonumber(fields[4]), fields[6]}
end

-- What the log says at a position, in few words; nil when nothing stands there.
local function mark_of(sequence)
  local entry = log_entry(sequence)
  return entry and redis.sha1hex(entry[1] .. entry[2] .. ':' .. entry[3])
end

-- Appends to the log. Kinds: S study, T trial, D deleted trial, M measurement.
local function append(sequence, kind, number, value)
  redis.call('XADD', LOG, string.format('%d-0', sequence), 'k', kind, 'n', number, 'v', value)
end

-- The memory of REQUEST: its table, 'REUSED' when it came with another body, nil when it is not known.
local function remembered()
  local packed = redis.call('GET', REQUEST)
  if not packed then return nil end
  local memory = cmsgpack.unpack(packed)
  if memory.fingerprint ~= args.fingerprint then return 'REUSED' end
  return memory
end

-- Remembers the answer to REQUEST. `memory` names log entries instead of repeating them.
local function remember(memory)
  memory.fingerprint = args.fingerprint
  redis.call('SET', REQUEST, cmsgpack.pack(memory), 'EX', args.ttl)
end

-- Every answer that acknowledges something has written something, for WAIT looks only at a connection's own writes.
local function touch_request()
  redis.call('EXPIRE', REQUEST, args.ttl)
end

-- The rows of a commit that was done before: its trials as they were then, their leases as they are now.
local function replayed_rows(memory)
  local rows = {}
  for i, sequence in ipairs(memory.versions) do
    local entry = log_entry(sequence)
    local number, value = entry[2], entry[3]
    local now = parse(redis.call('HGET', TRIALS, number))
    rows[i] = row(number, value)
    if not now or now.lease ~= parse(value).lease then rows[i][4] = -1 end
  end
  return rows
end

-- Tells watchers of the study. The channel has the name of META; on a cluster every node hears of it.
local function publish(sequence)
  redis.call('PUBLISH', META, sequence)
end
