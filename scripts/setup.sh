#!/usr/bin/env bash
# Makes .venv with both distributions (editable) and the tools of the build, at the versions of constraints.txt.
# Usage: [GPU=1] scripts/setup.sh PYTHON [bench]
#
# `bench` adds what asktell is compared with: Ax, Optuna and the cases' data. CUDA's libraries stay out, for asktell computes
# on the CPU (see without_cuda.py), unless leaving them out fails here; GPU=1 takes them in. Interrupted at any point, it is
# simply run again.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3.11}
extras=dev${2:+,$2}
log=.venv/setup.log

command -v "$python" >/dev/null || { echo "setup: $python not found; name another with PYTHON=..." >&2; exit 1; }

# The lines of pip that say what takes long, and a sign of life while there is none; all of it is in the log.
[[ -t 1 ]] && quiet_s=5 || quiet_s=30
progress() {
  local line status count now="starting"
  while true; do
    if IFS= read -r -t "$quiet_s" line; then
      echo "$line" >>"$log"
      case $line in
        *"Downloading "*.metadata*) continue ;;
        *"Downloading "*" MB)"* | *"Using cached "*" MB)"*) now=${line#"${line%%[![:space:]]*}"} ;;
        "Installing collected packages: "*)
          count=$(tr -cd , <<<"$line," | wc -c)
          ((count == 1)) && now="Unpacking it" || now="Unpacking $count packages"
          ;;
        "without_cuda: "*) now=${line#without_cuda: } ;;
        *) continue ;;
      esac
      printf '%6d s  %s\n' "$SECONDS" "$now"
    else
      status=$?
      ((status > 128)) || return 0 # the end of the output, not of the wait
      printf '%6d s  … %s\n' "$SECONDS" "$now"
    fi
  done
}

attempt() { # attempt TITLE COMMAND...
  echo "setup: $1"
  shift
  "$@" 2>&1 | progress
}

step() { # step TITLE COMMAND...: an attempt that has to succeed
  attempt "$@" || { tail -n 30 "$log" >&2; echo "setup: failed; all of pip's words are in $log. Run it again to go on." >&2; exit 1; }
}

with_cuda() { # with_cuda WHY
  echo "setup: $1; going on with CUDA, 2 GB more to download ($log has the reason)"
  attempt "CUDA is taken in" .venv/bin/python -u scripts/without_cuda.py --undo || true # pip's own words follow, if any
}

# What an interruption leaves: an environment without pip, a package whose list of files was not written yet.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  echo "setup: a new environment in .venv ($("$python" --version))"
  "$python" -m venv --clear .venv
fi
for package in .venv/lib/python*/site-packages/*.dist-info; do
  [[ ! -d $package || -s $package/RECORD ]] || rm -rf "$package"
done
: >"$log"

# --no-compile: Python compiles what it imports, when it does; compiling all of torch and sympy took longer than the rest.
pip=(.venv/bin/python -u -m pip --disable-pip-version-check install --progress-bar off --no-compile --constraint constraints.txt)
if [[ ${GPU:-} == 1 ]]; then
  step "CUDA is taken in" .venv/bin/python -u scripts/without_cuda.py --undo
elif ! { attempt "torch" "${pip[@]}" --no-deps torch &&
  attempt "no CUDA (GPU=1: with it)" .venv/bin/python -u scripts/without_cuda.py --constraint constraints.txt; }; then
  with_cuda "leaving out CUDA failed"
fi
# The build backend goes in first and builds without isolation: an isolated build would fetch its own, unpinned.
step "the build backend" "${pip[@]}" hatchling
asktell=("${pip[@]}" --no-build-isolation --editable clients/python --editable ".[$extras]")
step "asktell and all it needs" "${asktell[@]}"
if [[ ${GPU:-} != 1 ]] && ! attempt "a look at torch" .venv/bin/python -c "import torch"; then
  with_cuda "torch does not start without CUDA"
  step "asktell and all it needs, with CUDA" "${asktell[@]}"
fi

touch .venv/.stamp ${2:+".venv/.stamp-$2"}
[[ ${GPU:-} != 1 ]] || touch .venv/.stamp-gpu
packages=(.venv/lib/python*/site-packages/*.dist-info)
echo "setup: .venv is ready ($(.venv/bin/python --version), ${#packages[@]} packages, $(du -sh .venv | cut -f1), $SECONDS s)"
