#!/usr/bin/env bash
# Makes .venv with both distributions (editable) and the tools of the build, at the versions of constraints.txt.
# Usage: scripts/setup.sh PYTHON [bench]      `bench` adds what asktell is compared with: Ax, Optuna and the cases' data
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3.11}
extras=dev${2:+,$2}
stamp=.venv/.stamp${2:+-$2}

command -v "$python" >/dev/null || { echo "setup: $python not found; name another with PYTHON=..." >&2; exit 1; }
[[ -x .venv/bin/python ]] || "$python" -m venv .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt)

# The build backend goes in first and builds without isolation: an isolated build would fetch its own, unpinned.
"${pip[@]}" hatchling
"${pip[@]}" --no-build-isolation --editable clients/python --editable ".[$extras]"
touch "$stamp"
echo "setup: .venv is ready ($(.venv/bin/python --version))"
