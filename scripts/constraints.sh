#!/usr/bin/env bash
# Writes constraints.txt from what .venv holds: upgrade there with pip, run the tests, then run this.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
# CUDA's libraries are written down too: who has a GPU installs them at these versions.
if .venv/bin/python -m pip --disable-pip-version-check freeze --all | grep -q '+absent$'; then
  echo "constraints: .venv is without CUDA; make it with: make setup GPU=1" >&2
  exit 1
fi
{
  echo '# Exact versions of everything `make setup` and the benchmarks install. Written by `make constraints`.'
  .venv/bin/python -m pip --disable-pip-version-check freeze --all --exclude-editable --exclude pip | tr 'A-Z_' 'a-z-' | sort
} >constraints.txt.new
mv constraints.txt.new constraints.txt
touch .venv/.stamp .venv/.stamp-bench # .venv is what was just written down: nothing to install
