#!lua
-- Replaces a study's own fields. args: study, state, expected_revision, fingerprint, ttl.
local head = read_head()
if not head then return {'NO_STUDY'} end
local epoch, revision, sequence = head[1], tonumber(head[3]), tonumber(head[4])

local memory = remembered()
if memory == 'REUSED' then return {'REUSED'} end
if memory and memory.kind == 'update' and memory.epoch == epoch then
  touch_request()
  local value = log_entry(memory.sequence)[3]
  local line = string.find(value, '\n', 1, true)
  head[2], head[3] = string.sub(value, line + 1), string.sub(value, 1, line - 1)
  return {'OK', head}
end
if revision ~= args.expected_revision then return {'CONFLICT', 'STUDY_CHANGED', -1, false} end

revision, sequence = revision + 1, sequence + 1
redis.call('HSET', META, 'study', args.study, 'revision', revision, 'state', args.state, 'sequence', sequence)
forget_ready()
append(sequence, 'S', 0, string.format('%d\n', revision) .. args.study)
remember({kind = 'update', epoch = epoch, sequence = sequence})
publish(sequence)
return {'OK', read_head()}
