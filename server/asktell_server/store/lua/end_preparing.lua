#!lua
-- Gives the lock back, and keeps what was prepared under it. args: token, staleness, max_ready, and of the
-- suggestion (none if there is no blob): blob, ended, surprise, known_number.
local epoch = redis.call('HGET', META, 'epoch')
if not epoch then return {'NO_STUDY'} end
if redis.call('GET', PREPARING) ~= args.token then return {'OK', 0, 0} end

local now = progress()
local kept, stale, fresh = 0, 0, 0
for _, prepared in ipairs(read_ready()) do
  if is_fresh(prepared, epoch, now, args.staleness) then
    fresh = fresh + 1
  else
    redis.call('LREM', READY, 1, prepared.element)
    stale = stale + 1
  end
end
if args.blob and fresh < args.max_ready then
  if is_fresh({epoch = epoch, ended = args.ended, surprise = args.surprise}, epoch, now, args.staleness) then
    local line = string.format('%s %s %d %d %d\n', args.token, epoch, args.ended, args.surprise, args.known_number)
    redis.call('RPUSH', READY, line .. args.blob)
    kept = 1
  else
    stale = stale + 1
  end
end
redis.call('DEL', PREPARING)
return {'OK', kept, stale}
