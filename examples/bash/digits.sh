#!/usr/bin/env bash
# Tunes train.sh on the server at ASKTELL_ADDRESS: examples/bash/digits.sh [STUDY] [--trials N]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
study=digits trials=30
while (($#)); do
  case $1 in
    --trials) trials=${2:?--trials needs a number} && shift 2 ;;
    -*) echo "usage: $0 [STUDY] [--trials N]" >&2 && exit 2 ;;
    *) study=$1 && shift ;;
  esac
done

# One study file serves all languages; only the name is ours to choose.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed "s/^name: .*/name: $study/" "$here/../digits.yaml" >"$folder/study.yaml"

# In the background, so that a signal reaches it at once: it gives its trial back before it ends.
trap 'kill -TERM "$run" 2>/dev/null || true' TERM INT
asktell run "$folder/study.yaml" --max-trials "$trials" --log-dir "$folder/logs" -- "$here/train.sh" &
run=$!
status=0
wait "$run" || status=$?
while kill -0 "$run" 2>/dev/null; do # a signal ends wait, not the run
  status=0
  wait "$run" || status=$?
done
((status == 4)) && status=0 # the study was complete before this began: nothing to do is no error
exit $status
