#!/usr/bin/env bash
# Does ACTION (build, lint, test, docs, generate) for every client outside Python: scripts/languages/*.sh, one each.
# A language whose toolchain is missing is skipped with one line; ASKTELL_REQUIRE_ALL=1 makes that a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
action=${1:?usage: scripts/languages.sh build|lint|test|docs|generate}
failed=()

for script in scripts/languages/*.sh; do
  language=$(basename "$script" .sh)
  if ! found=$("$script" check 2>&1); then
    echo "$language: skipped, ${found#"$language": }"
    [[ ${ASKTELL_REQUIRE_ALL:-} == 1 ]] && failed+=("$language (toolchain)")
    continue
  fi
  echo "== $language: $action ($found)"
  "$script" "$action" || failed+=("$language")
done

if ((${#failed[@]})); then
  printf 'languages: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
