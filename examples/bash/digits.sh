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

status=0
asktell run "$folder/study.yaml" --max-trials "$trials" --log-dir "$folder/logs" -- "$here/train.sh" || status=$?
((status == 4)) && status=0 # the study was complete before this began: nothing to do is no error
exit $status
