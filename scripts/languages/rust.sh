#!/usr/bin/env bash
# The Rust client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs, generate,
# package INTO (what a release consists of).
set -euo pipefail
cd "$(dirname "$0")/../.."
client=clients/rust
example=examples/rust
# One folder for both, so that the libraries are compiled once; without debugging and incremental data it is small.
export CARGO_TARGET_DIR=$PWD/$client/target CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 CARGO_BUILD_JOBS=${ASKTELL_RUST_JOBS:-2}
export CARGO_TERM_QUIET=true

need() { sed -n 's/^rust-version = "\(.*\)"/\1/p' $client/Cargo.toml; }

check() {
  local have
  if ! have=$(rustc --version 2>/dev/null) || ! command -v cargo >/dev/null; then
    echo "rust: not installed ($(need) or newer is needed)" >&2
    exit 3
  fi
  have=$(awk '{print $2}' <<<"$have")
  if [[ $(printf '%s\n' "$(need)" "$have" | sort -V | head -1) != "$(need)" ]]; then
    echo "rust: $have is too old ($(need) or newer is needed)" >&2
    exit 3
  fi
  echo "rustc $have"
}

in_crates() { # runs a command in the client's workspace and in the example
  local crate status=0
  for crate in $client $example; do
    (cd $crate && "$@") || status=1
  done
  return $status
}

generate() { # generate INTO: writes the generated code below INTO (the repository's root, or a copy to compare with)
  cargo build --manifest-path $client/Cargo.toml --package asktell-generate
  "$CARGO_TARGET_DIR/debug/asktell-generate" "$1"
}

current() {
  local fresh folder status=0
  fresh=$(mktemp -d)
  generate "$fresh"
  for folder in src/generated conformance/src/generated; do
    diff -r "$fresh/$client/$folder" "$client/$folder" || status=1
  done
  rm -rf "$fresh"
  ((status == 0)) || echo "rust: generated code is not current, run scripts/languages/rust.sh generate" >&2
  return $status
}

lint() {
  local failed=()
  in_crates cargo fmt --all --check || failed+=(rustfmt)
  in_crates cargo clippy --workspace --all-targets -- -D warnings || failed+=(clippy)
  current || failed+=("generated code")
  if ((${#failed[@]})); then
    printf 'rust: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
}

build() {
  in_crates cargo build
  install -D "$CARGO_TARGET_DIR/debug/digits" $example/target/digits
}

run_tests() { in_crates cargo test; }

# The package is not compiled here: following the README with what was unpacked from it does that (scripts/release.sh).
package() { # package INTO
  mkdir -p "$1"
  cargo package --manifest-path $client/Cargo.toml --package asktell --no-verify --allow-dirty
  cp "$CARGO_TARGET_DIR"/package/asktell-"$(sed -n 's/^version = "\(.*\)"/\1/p' $client/Cargo.toml)".crate "$1"
}

docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --manifest-path $client/Cargo.toml --package asktell --no-deps
  echo "rust: $client/target/doc/asktell/index.html"
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
