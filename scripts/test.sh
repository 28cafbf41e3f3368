#!/usr/bin/env bash
# Runs every test: pytest, then each other language's own. Arguments go to pytest, which then runs alone, for example:
# scripts/test.sh -k ledger tests/unit
set -euo pipefail
cd "$(dirname "$0")/.."
# One thread for each test process: two of them, each with a model's thread pool, only get in each other's way.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# By file: the tests of a file share servers (and pytest 9.2 no longer reads the groups that xdist 3.8 makes).
tests=(.venv/bin/python -m pytest -n "${ASKTELL_TEST_PROCESSES:-2}" --dist loadfile)
(($# == 0)) || exec "${tests[@]}" "$@"

# The languages first: pytest's closing line is the one that people (and CI) look for.
status=0
scripts/languages.sh test || status=1
scripts/languages.sh build || status=1
export ASKTELL_LANGUAGES_BUILT=1
"${tests[@]}" || status=1
exit $status
