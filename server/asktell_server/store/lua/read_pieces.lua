#!lua flags=no-writes
-- Pieces of a snapshot. args: pieces (their names).
if redis.call('EXISTS', META) == 0 then return {'NO_STUDY'} end
local pieces = {}
for i, piece in ipairs(args.pieces) do pieces[i] = redis.call('HGET', SNAPSHOT, 'piece:' .. piece) end
return {'OK', pieces}
