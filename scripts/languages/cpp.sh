#!/usr/bin/env bash
# The C++ client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs, packages,
# package INTO (what a release consists of).
set -euo pipefail
cd "$(dirname "$0")/../.."
client=clients/cpp
example=examples/cpp
jobs=${ASKTELL_CPP_JOBS:-2}
# Debian 12's names, for scripts/toolchains.sh.
packages="g++ cmake ninja-build libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libgtest-dev clang-format-14 clang-tidy-14 doxygen"

check() {
  local missing=() program header
  for program in c++ cmake ninja protoc grpc_cpp_plugin; do
    command -v $program >/dev/null || missing+=("$program")
  done
  for header in grpcpp/grpcpp.h google/protobuf/message.h gtest/gtest.h; do
    [[ -e /usr/include/$header || -e /usr/local/include/$header ]] || missing+=("$header")
  done
  if ((${#missing[@]})); then
    echo "cpp: missing ${missing[*]} (on Debian: apt-get install $packages)" >&2
    exit 3
  fi
  c++ --version | head -1
}

configure() { cmake -S "$1" -B "$1/build" -G Ninja "${@:2}" >/dev/null; }

build() {
  configure_client
  ninja -C $client/build -j "$jobs" --quiet
  [[ ! -e $example/CMakeLists.txt ]] || build_example
}

configure_client() { configure $client -DASKTELL_BUILD_TESTS=ON -DASKTELL_BUILD_CONFORMANCE=ON; }

build_example() { # against an installed client, as a user's program is built
  cmake --install $client/build --prefix "$PWD/$client/build/install" >/dev/null
  configure $example -DCMAKE_PREFIX_PATH="$PWD/$client/build/install"
  ninja -C $example/build -j "$jobs" --quiet
}

sources() { git ls-files -co --exclude-standard $client $example | grep -E '\.(cpp|hpp)$'; }

# Source files that clang-tidy reads in seconds: gRPC's headers take it half a minute for each file that includes them.
# `tidy` looks at all files, `lint` at those without.
light_sources() {
  local file
  for file in $(git ls-files $client/src | grep -E '\.cpp$'); do
    [[ $(c++ -std=c++17 -M -I $client/include -I $client/src -I $client/build/generated "$file") == *grpcpp/* ]] ||
      echo "$file"
  done
}

run_tidy() { xargs -r -P "$jobs" -n 1 clang-tidy-14 --quiet --extra-arg=-std=c++17 -p $client/build 2>/dev/null; }

lint() {
  local failed=()
  sources | xargs clang-format-14 --dry-run --Werror || failed+=(clang-format)
  configure_client
  ninja -C $client/build --quiet asktell_headers
  light_sources | run_tidy || failed+=(clang-tidy)
  if ((${#failed[@]})); then
    printf 'cpp: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
}

tidy() {
  configure_client
  ninja -C $client/build --quiet asktell_headers
  git ls-files $client/src | grep -E '\.cpp$' | run_tidy
}

run_tests() {
  build
  ctest --test-dir $client/build --output-on-failure --timeout 120
}

package() { # package INTO: the sources with the contract, which in the repository lies elsewhere
  local name stage
  name=asktell-cpp-$(sed -n 's/^project(asktell VERSION \([^ ]*\).*/\1/p' $client/CMakeLists.txt)
  stage=$(mktemp -d)
  mkdir -p "$1" "$stage/$name"
  git archive HEAD:$client ':(exclude)conformance' ':(exclude)tests' | tar -x -C "$stage/$name"
  git archive HEAD proto LICENSE | tar -x -C "$stage/$name"
  tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner -czf "$1/$name.tar.gz" "$name"
  rm -rf "$stage"
}

docs() {
  mkdir -p $client/build
  (cd $client && doxygen -q Doxyfile)
  echo "cpp: $client/build/docs/html/index.html"
}

case ${1:-} in
  check | build | lint | tidy | docs) "$1" ;;
  test) run_tests ;;
  package) package "$(realpath -m "${2:?usage: $0 package INTO}")" ;;
  packages) echo "$packages" ;;
  generate) : ;; # generated code is made by the build and never checked in
  *)
    echo "usage: $0 check|build|lint|tidy|test|docs|generate|packages|package INTO" >&2
    exit 2
    ;;
esac
