#!/usr/bin/env bash
# Tunes once more, on the data of today: for cron, or as a step of a pipeline. The study must exist.
#
#   retune.sh STUDY COMMAND...        the command trains once; see `asktell run --help`
#
# The first time it uses up the study's budget. Later it begins a data epoch: the 3 best configurations are measured again first, all other
# earlier results count half, and there are as many trials as the last time. Where it was interrupted, it goes on. The last line
# on stdout is the best trial of today's data as JSON. Exit status 0: done; otherwise that of the command that failed.
set -euo pipefail
study=${1:?usage: retune.sh STUDY COMMAND...}
shift

# A study without a trial yet, or whose last tuning was interrupted, is not finished: it goes on as it is.
asktell study reopen "$study" --remeasure 3 --if-finished >&2
asktell run "$study" -- "$@" >&2
asktell best "$study" --json | tr -d '\n'
echo
