#!lua flags=no-writes
-- The snapshot that is kept, if it fits the log. args: none.
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local kept = redis.call('HMGET', SNAPSHOT, 'epoch', 'sequence', 'mark', 'manifest', 'pieces')
local epoch, sequence, mark = kept[1], tonumber(kept[2]), kept[3]
if not epoch or epoch ~= redis.call('HGET', META, 'epoch') or mark ~= mark_of(sequence) then return {'OK', false} end
return {'OK', {epoch, sequence, kept[4], cmsgpack.unpack(kept[5])}}
