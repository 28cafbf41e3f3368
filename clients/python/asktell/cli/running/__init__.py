"""`asktell run`: any program as the objective.

run_command (options) → runner (workers, budget, what ends a run) → trial_run (one trial) → process (the child).
`template` and `metrics` are pure; `progress` is what a person sees.
"""
