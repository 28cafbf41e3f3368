#!/usr/bin/env bash
# The TypeScript client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs,
# generate, package INTO (what a release consists of). Packages are installed when package-lock.json is newer than what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
client=clients/typescript
example=examples/typescript
needed=20
export PATH="$root/.venv/bin:$root/$client/node_modules/.bin:$PATH" # buf comes with the Python set-up

check() {
  local have
  if ! have=$(node --version 2>/dev/null) || ! command -v npm >/dev/null; then
    echo "typescript: not installed (node $needed or newer and npm are needed)" >&2
    exit 3
  fi
  have=${have#v}
  if ((${have%%.*} < needed)); then
    echo "typescript: node $have is too old ($needed or newer is needed)" >&2
    exit 3
  fi
  echo "node $have"
}

install() {
  local stamp=$client/node_modules/.package-lock.json
  [[ -e $stamp && ! $client/package-lock.json -nt $stamp ]] && return
  (cd $client && npm ci --no-audit --no-fund --no-progress --loglevel=error && touch node_modules/.package-lock.json)
}

generate() { # generate INTO: writes the generated code below INTO (the repository's root, or a copy to compare with)
  local input
  for input in proto $client/third_party; do
    buf generate -o "$1" --template $client/buf.gen.yaml "$input"
  done
  buf generate -o "$1" --template $client/conformance.gen.yaml --path tests/conformance/conformance.proto \
    --config '{"version": "v2", "modules": [{"path": "proto"}, {"path": "tests/conformance"}]}'
}

current() {
  local fresh folder status=0
  fresh=$(mktemp -d)
  generate "$fresh"
  for folder in src/gen conformance/gen; do
    diff -r "$fresh/$client/$folder" "$client/$folder" || status=1
  done
  rm -rf "$fresh"
  ((status == 0)) || echo "typescript: generated code is not current, run scripts/languages/typescript.sh generate" >&2
  return $status
}

link() { # as an installation would: the example finds the client by its name
  mkdir -p $example/node_modules && ln -sfn ../../../$client $example/node_modules/asktell
}

build() {
  (cd $client && npm run --silent build)
  link
  tsc -p $example
}

lint() {
  local failed=()
  # The example is checked against what users get; installing the client's packages may have built that already.
  if [[ -e $client/dist/esm/index.d.ts ]]; then link; else build; fi
  (cd $client && eslint .) || failed+=(eslint)
  prettier --config $client/package.json --ignore-path $client/.prettierignore --log-level warn --check \
    $client $example || failed+=(prettier)
  tsc -p $client --noEmit || failed+=(tsc)
  tsc -p $example --noEmit || failed+=("tsc, example")
  ! grep -n '"resolved"' $client/package-lock.json || failed+=("package-lock.json names a registry")
  current || failed+=("generated code")
  if ((${#failed[@]})); then
    printf 'typescript: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
}

run_tests() {
  build
  node --test $client/build/test/*.test.js $example/build/*.test.js
}

package() { # package INTO
  mkdir -p "$1"
  (cd $client && npm pack --loglevel=error --pack-destination "$1" >/dev/null) # which builds it, by `prepare`
}

docs() {
  (cd $client && typedoc --logLevel Warn)
  echo "typescript: $client/docs/index.html"
}

case ${1:-} in
  check) check ;;
  generate) install && generate . ;;
  build | lint | docs) install && "$1" ;;
  test) install && run_tests ;;
  package) install && package "$(realpath -m "${2:?usage: $0 package INTO}")" ;;
  *)
    echo "usage: $0 check|build|lint|test|docs|generate|package INTO" >&2
    exit 2
    ;;
esac
