#!/usr/bin/env bash
# The C++ client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs, packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
client=clients/cpp
example=examples/cpp
jobs=${ASKTELL_CPP_JOBS:-2}
# Debian 12's names, for scripts/toolchains.sh.
packages="g++ cmake ninja-build libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libyaml-cpp-dev libgtest-dev clang-format-14 clang-tidy-14 doxygen"

check() {
  local missing=() program header
  for program in c++ cmake ninja protoc grpc_cpp_plugin; do
    command -v $program >/dev/null || missing+=("$program")
  done
  for header in grpcpp/grpcpp.h google/protobuf/message.h yaml-cpp/yaml.h gtest/gtest.h; do
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
  configure $client
  ninja -C $client/build -j "$jobs" --quiet
  [[ ! -e $example/CMakeLists.txt ]] || build_example
}

build_example() { # against an installed client, as a user's program is built
  cmake --install $client/build --prefix "$PWD/$client/build/install" >/dev/null
  configure $example -DCMAKE_PREFIX_PATH="$PWD/$client/build/install"
  ninja -C $example/build -j "$jobs" --quiet
}

sources() { git ls-files -co --exclude-standard $client $example | grep -E '\.(cpp|hpp)$'; }

lint() {
  local failed=() tidy=()
  sources | xargs clang-format-14 --dry-run --Werror || failed+=(clang-format)
  configure $client
  ninja -C $client/build -j "$jobs" --quiet || failed+=(build) # clang-tidy needs the generated headers
  mapfile -t tidy < <(git ls-files $client/src | grep -E '\.cpp$')
  # gRPC's headers take clang-tidy half a minute for each file: those that have not changed are not looked at again.
  local file stamps=$client/build/tidy stale=()
  mkdir -p $stamps
  for file in "${tidy[@]}"; do
    [[ -n $(find "$file" $client/include $client/src $client/.clang-tidy -type f \( -path "$file" -o -name '*.hpp' -o -name .clang-tidy \) \
      -newer "$stamps/$(basename "$file")" 2>&1 | head -1) ]] && stale+=("$file")
  done
  if ((${#stale[@]})); then
    printf '%s\n' "${stale[@]}" | xargs -P "$jobs" -I{} bash -c \
      "clang-tidy-14 --quiet --extra-arg=-std=c++17 -p $client/build {} 2>/dev/null && touch $stamps/\$(basename {})" || failed+=(clang-tidy)
  fi
  if ((${#failed[@]})); then
    printf 'cpp: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
}

run_tests() {
  build
  ctest --test-dir $client/build --output-on-failure --timeout 120
}

docs() {
  mkdir -p $client/build
  (cd $client && doxygen -q Doxyfile)
  echo "cpp: $client/build/docs/html/index.html"
}

case ${1:-} in
  check | build | lint | docs) "$1" ;;
  test) run_tests ;;
  packages) echo "$packages" ;;
  generate) : ;; # generated code is made by the build and never checked in
  *)
    echo "usage: $0 check|build|lint|test|docs|generate|packages" >&2
    exit 2
    ;;
esac
