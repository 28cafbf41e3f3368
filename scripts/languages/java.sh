#!/usr/bin/env bash
# The Java client and its example: check (is the toolchain here? status 3 when not), build, lint, test, docs,
# package INTO (what a release consists of).
# There is nothing to generate: Maven makes the code of the contract at build time.
set -euo pipefail
cd "$(dirname "$0")/../.."
client=clients/java
everything=$client/workspace.xml # the client and its example
release=17

run_maven() { mvn --batch-mode --no-transfer-progress --quiet "$@"; }

check() {
  local have
  if ! have=$(javac -version 2>&1); then
    echo "java: no JDK is installed ($release or newer is needed)" >&2
    exit 3
  fi
  have=${have#javac }
  if ((${have%%.*} < release)); then
    echo "java: JDK $have is too old ($release or newer is needed)" >&2
    exit 3
  fi
  if ! command -v mvn >/dev/null; then
    echo "java: Maven is not installed (3.8 or newer is needed)" >&2
    exit 3
  fi
  echo "JDK $have"
}

build() {
  run_maven -f $everything package -DskipTests
  # Maven has the version in every name; who runs the executor should not need to know it.
  cp $client/target/asktell-*-conformance.jar $client/target/conformance.jar
}

lint() { run_maven -f $everything spotless:check; }

format() { run_maven -f $everything spotless:apply; }

run_tests() { run_maven -f $everything verify; }

package() { # package INTO: what Maven Central asks for, but the signatures
  local version file
  version=$(sed -n 's/.*VERSION = "\(.*\)".*/\1/p' $client/src/main/java/io/asktell/Client.java)
  run_maven -f $client/pom.xml package source:jar-no-fork javadoc:jar -DskipTests
  mkdir -p "$1"
  for file in asktell-"$version"{,-sources,-javadoc}.jar; do
    cp $client/target/"$file" "$1"
  done
  cp $client/pom.xml "$1/asktell-$version.pom"
}

docs() {
  run_maven -f $client/pom.xml compile javadoc:javadoc
  echo "java: $client/target/reports/apidocs/index.html"
}

case ${1:-} in
  check | build | lint | format | docs) "$1" ;;
  test) run_tests ;;
  package) package "$(realpath -m "${2:?usage: $0 package INTO}")" ;;
  generate) : ;; # generated code is made by the build and never checked in
  *)
    echo "usage: $0 check|build|lint|format|test|docs|generate|package INTO" >&2
    exit 2
    ;;
esac
