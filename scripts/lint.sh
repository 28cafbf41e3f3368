#!/usr/bin/env bash
# Every static check; all of them run, so that one round shows all there is to mend.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
failed=()

check() { # check NAME COMMAND...
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

typed=(server/asktell_server clients/python/asktell clients/python/asktell_command scripts)
for directory in examples benchmarks tests; do
  [[ -d $directory ]] && typed+=("$directory")
done

check "ruff check" ruff check --quiet --output-format concise
check "ruff format" ruff format --check --quiet --output-format concise
check "mypy" mypy "${typed[@]}"
[[ -n $(find clients/python/tests -name "*.py" 2>/dev/null) ]] && check "mypy, client tests" mypy clients/python/tests
check "import directions" lint-imports --no-logo --config pyproject.toml
check "buf lint" buf lint
check "buf breaking" scripts/breaking.sh
check "generated code" python scripts/generate.py --check
check "other languages" scripts/languages.sh lint

if ((${#failed[@]})); then
  printf 'lint: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "lint: all clean"
