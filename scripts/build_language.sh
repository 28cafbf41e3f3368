#!/usr/bin/env bash
# Builds one client with its executor and example: scripts/build_language.sh LANGUAGE. With ASKTELL_LANGUAGES_BUILT=1
# (scripts/test.sh built them all) it does nothing: what one test runs, another must not replace meanwhile.
set -euo pipefail
[[ ${ASKTELL_LANGUAGES_BUILT:-} == 1 ]] || exec "$(dirname "$0")/languages/$1.sh" build
