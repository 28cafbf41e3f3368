#!lua
-- Locks the preparation of the next suggestion, if one is wanted. args: token, depth, staleness, lock_ms.
local epoch = redis.call('HGET', META, 'epoch')
if not epoch then return {'NO_STUDY'} end
if redis.call('GET', PREPARING) == args.token then return {'OK', 1} end  -- sent again after a lost reply

local now = progress()
local fresh = 0
for _, prepared in ipairs(read_ready()) do
  if is_fresh(prepared, epoch, now, args.staleness) then fresh = fresh + 1 end
end
if fresh >= args.depth then return {'OK', 0} end
return {'OK', redis.call('SET', PREPARING, args.token, 'NX', 'PX', args.lock_ms) and 1 or 0}
