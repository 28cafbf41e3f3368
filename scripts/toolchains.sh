#!/usr/bin/env bash
# The system programs that some tests run against: nginx (balancer), redis-server (external store), docker compose
# (checks docker-compose.yml, no engine needed), curl and jq (the README's bash), a browser (what web pages can do to a
# server; only Debian has the package), and what the C++ client builds with. As root on Debian or Ubuntu it installs what
# is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing_packages() {
  command -v nginx >/dev/null || echo nginx
  command -v redis-server >/dev/null || echo redis-server
  command -v curl >/dev/null || echo curl
  command -v jq >/dev/null || echo jq
  if grep -q '^ID=debian' /etc/os-release; then
    command -v chromium-headless-shell >/dev/null || echo chromium-headless-shell
  fi
  # C++ has no package manager of its own: its client builds on Debian's packages.
  local package
  for package in $(scripts/languages/cpp.sh packages); do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
  docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || echo docker-compose
}

install() {
  # Debian starts a service when it installs one; the tests start their own, so a policy says no meanwhile.
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null
  apt-get install -qq --yes --no-install-recommends "$@" </dev/null >/dev/null
}

mapfile -t packages < <(missing_packages)
if ((${#packages[@]} == 0)); then
  echo "toolchains: nginx, redis-server, docker compose, curl, jq, a browser and the packages of C++ are there"
elif ((EUID == 0)) && command -v apt-get >/dev/null; then
  echo "toolchains: installing ${packages[*]}"
  install "${packages[@]}"
  mapfile -t packages < <(missing_packages)
fi
if ((${#packages[@]})); then
  echo "toolchains: missing: ${packages[*]} (tests that need them skip)" >&2
  [[ ${ASKTELL_REQUIRE_ALL:-} != 1 ]] || exit 1
fi
