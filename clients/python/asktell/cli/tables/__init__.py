"""Tables of trials, for terminals and pipes.

`columns` says what can be shown of a trial; `layout` decides what fits (pure); `trials` chooses and orders the rows;
`printing` writes lines to a terminal, a pager or a pipe.
"""
