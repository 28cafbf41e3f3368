#!lua flags=allow-oom
-- Deletes a study with all its keys; only request ids stay until they expire. args: expected_revision (-1 = any),
-- fingerprint, ttl. Deleting is allowed to a store out of memory: it is what helps.
local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
if memory and memory.kind == 'delete' then
  touch_request()
  return {'OK'}
end
local head = redis.call('HMGET', META, 'epoch', 'revision', 'sequence')
if not head[1] then return {'NO_STUDY'} end
if args.expected_revision >= 0 and tonumber(head[2]) ~= args.expected_revision then
  return {'CONFLICT', 'STUDY_CHANGED', -1, false}
end

redis.call('UNLINK', META, TRIALS, LEASES, ACTIVE, LOG, REPORTS, IMPORTS, MODEL, READY, PREPARING, SNAPSHOT)
remember({kind = 'delete', epoch = head[1]})
publish(tonumber(head[3]) + 1)
return {'OK'}
