#!/usr/bin/env bash
# Refuses a change of proto/ that breaks a client of an earlier version: the one named by ASKTELL_BREAKING_AGAINST
# (any git revision), else the main branch, else the latest release.
set -euo pipefail
cd "$(dirname "$0")/.."

head=$(git rev-parse --verify --quiet HEAD || true)
git diff --quiet HEAD -- proto && changed=no || changed=yes # in the work tree, not yet committed
earlier=
for revision in "${ASKTELL_BREAKING_AGAINST:-}" origin/main main "$(git describe --tags --abbrev=0 2>/dev/null || true)"; do
  [[ -n $revision ]] || continue
  commit=$(git rev-parse --verify --quiet "$revision^{commit}" || true)
  [[ -n $commit ]] || continue
  [[ $commit != "$head" || $changed == yes ]] || continue # the same files against themselves always pass
  [[ -n $(git ls-tree "$commit" proto/) ]] || continue
  earlier=$commit
  break
done
if [[ -z $earlier ]]; then
  echo "breaking: skipped, no earlier version of proto/ to compare with"
  exit 0
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
git archive "$earlier" proto | tar -x -C "$directory"
.venv/bin/buf breaking proto --config buf.yaml --against "$directory/proto"
echo "breaking: nothing breaks against $(git rev-parse --short "$earlier")"
