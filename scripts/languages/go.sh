#!/usr/bin/env bash
# The Go client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs, generate,
# package INTO (what a release consists of).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
client=clients/go
example=examples/go
export PATH="$root/.venv/bin:$PATH" # buf comes with the Python set-up

need() { sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' $client/go.mod; }

check() {
  local have
  if ! have=$(go env GOVERSION 2>/dev/null); then
    echo "go: not installed ($(need) or newer is needed)" >&2
    exit 3
  fi
  if [[ $(printf '%s\n' "$(need)" "${have#go}" | sort -V | head -1) != "$(need)" ]]; then
    echo "go: $have is too old ($(need) or newer is needed)" >&2
    exit 3
  fi
  echo "$have"
}

in_modules() { # runs a command in every module of ours
  local module status=0
  for module in $client $example; do
    (cd $module && "$@") || status=1
  done
  return $status
}

generate() { # generate INTO: writes the generated code below INTO (the repository's root, or a copy to compare with)
  buf generate -o "$1" --template $client/buf.gen.yaml
  buf generate -o "$1" --template $client/conformance.gen.yaml --path tests/conformance/conformance.proto \
    --config '{"version": "v2", "modules": [{"path": "proto"}, {"path": "tests/conformance"}]}'
}

current() {
  local fresh folder status=0
  fresh=$(mktemp -d)
  generate "$fresh"
  for folder in asktell internal/conformancepb; do
    diff -r "$fresh/$client/$folder" "$client/$folder" || status=1
  done
  rm -rf "$fresh"
  ((status == 0)) || echo "go: generated code is not current, run scripts/languages/go.sh generate" >&2
  return $status
}

staticcheck() { go tool -modfile="$root/$client/tools/go.mod" staticcheck ./...; }

lint() {
  local failed=() unformatted
  unformatted=$(gofmt -l $client $example)
  [[ -z $unformatted ]] || { printf 'gofmt: %s\n' "$unformatted" && failed+=(gofmt); }
  in_modules go vet ./... || failed+=("go vet")
  in_modules staticcheck || failed+=(staticcheck)
  in_modules go mod tidy -diff || failed+=("go mod tidy")
  current || failed+=("generated code")
  if ((${#failed[@]})); then
    printf 'go: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
}

build() {
  (cd $client && go build ./... && go build -o build/conformance ./internal/conformance)
  (cd $example && go build -o build/digits .)
}

run_tests() { # the race detector needs a C compiler
  local race=()
  [[ -n $(command -v gcc || command -v clang) ]] && race=(-race)
  in_modules go test "${race[@]}" ./...
}

# A release of a module is a tag of the repository; what it will hold lies here as a module proxy keeps it.
package() { # package INTO
  local version module into
  version=v$(sed -n 's/^const Version = "\(.*\)"/\1/p' $client/doc.go)
  module=$(sed -n 's/^module //p' $client/go.mod)
  into=$1/go/$module/@v
  mkdir -p "$into"
  git archive --format=zip --prefix="$module@$version/" --add-file=LICENSE --output="$into/$version.zip" \
    HEAD:$client ':(exclude)tools' # which is a module of its own
  git show HEAD:$client/go.mod >"$into/$version.mod"
  echo "{\"Version\": \"$version\"}" >"$into/$version.info"
  echo "$version" >"$into/list"
}

docs() {
  mkdir -p $client/build
  (cd $client && go doc -all . >build/asktell.txt)
  echo "go: $client/build/asktell.txt"
}

case ${1:-} in
  check) check ;;
  generate) generate . ;;
  build | lint | docs) "$1" ;;
  test) run_tests ;;
  package) package "$(realpath -m "${2:?usage: $0 package INTO}")" ;;
  *)
    echo "usage: $0 check|build|lint|test|docs|generate|package INTO" >&2
    exit 2
    ;;
esac
