#!lua flags=no-writes
-- A study without its trials. args: none.
local head = read_head()
return head and {'OK', head} or {'NO_STUDY'}
