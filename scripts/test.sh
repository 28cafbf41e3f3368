#!/usr/bin/env bash
# Runs the tests; arguments go to pytest, for example: scripts/test.sh -k ledger tests/unit
set -euo pipefail
cd "$(dirname "$0")/.."
# One thread for each test process: two of them, each with a model's thread pool, only get in each other's way.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec .venv/bin/python -m pytest -n "${ASKTELL_TEST_PROCESSES:-2}" --dist loadgroup "$@"
