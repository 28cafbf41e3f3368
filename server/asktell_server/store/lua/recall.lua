#!lua flags=allow-oom
-- The answer once given to a request. args: fingerprint, ttl. It writes (the request's expiry) when it has one to give.
local epoch = redis.call('HGET', META, 'epoch')
if not epoch then return {'NO_STUDY'} end
local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
if not memory or memory.epoch ~= epoch then return {'UNKNOWN'} end

touch_request()
if memory.kind == 'commit' then
  return {'OK', memory.sequence, memory.created, 1, replayed_rows(memory)}
end
local rows = {}
if memory.kind == 'report' then
  local value = redis.call('HGET', TRIALS, memory.number)
  if value then rows[1] = row(memory.number, value) end
end
return {'OK', tonumber(redis.call('HGET', META, 'sequence')), 0, 1, rows}
