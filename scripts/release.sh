#!/usr/bin/env bash
# Builds what a release consists of into dist/, follows each README with it in an empty project, and prints the commands
# that publish it. It publishes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
all=(python go typescript java rust cpp)

usage() {
  cat <<END
usage: scripts/release.sh [--only LANGUAGE]...

LANGUAGE is one of ${all[*]}; without --only it is each of them. The version is the one that all manifests carry:
  python scripts/versions.py --set 0.2.0    gives them another one
  make release                              all languages
  scripts/release.sh --only rust            one of them
END
}

only=()
while (($#)); do
  case $1 in
    --only)
      [[ " ${all[*]} " == *" ${2:-} "* ]] || { usage >&2 && exit 2; }
      only+=("$2")
      shift 2
      ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && exit 2 ;;
  esac
done
((${#only[@]})) || only=("${all[@]}")

version=$(python scripts/versions.py)
if [[ -n $(git status --porcelain) ]]; then
  echo "release: files differ from the commit that would be released; commit or stash them first" >&2
  exit 1
fi
grep -q "^## $version" CHANGELOG.md || { echo "release: CHANGELOG.md has no section ## $version" >&2 && exit 1; }

package_python() { # wheels are built out of the source packages: what those lack is missed here
  local directory root=$PWD
  for directory in clients/python .; do
    (cd $directory && python -m hatchling build -t sdist -d "$root/dist" >/dev/null)
  done
  python -m pip --disable-pip-version-check --quiet wheel --no-build-isolation --no-deps --wheel-dir dist \
    "dist/asktell-$version.tar.gz" "dist/asktell_server-$version.tar.gz"
}

publishing() { # publishing LANGUAGE: the commands
  case $1 in
    python) echo "python -m twine upload dist/asktell{,_server}-$version{.tar.gz,-py3-none-any.whl}" ;;
    go) echo "git tag clients/go/v$version && git push origin clients/go/v$version" ;;
    typescript) echo "npm publish dist/asktell-$version.tgz" ;;
    java)
      echo "mvn gpg:sign-and-deploy-file -Durl=\$REPOSITORY -DrepositoryId=\$ID -DpomFile=dist/asktell-$version.pom" \
        "-Dfile=dist/asktell-$version.jar -Dsources=dist/asktell-$version-sources.jar -Djavadoc=dist/asktell-$version-javadoc.jar"
      ;;
    rust) echo "cargo publish --manifest-path clients/rust/Cargo.toml" ;;
    cpp) echo "gh release create v$version dist/asktell-cpp-$version.tar.gz" ;;
  esac
}

rm -rf dist
mkdir dist
for language in "${only[@]}"; do
  echo "== $language: packaging $version"
  if [[ $language == python ]]; then
    package_python
  else
    scripts/languages/"$language".sh check >/dev/null
    scripts/languages/"$language".sh package dist
  fi
done
for language in "${only[@]}"; do
  echo "== $language: trying it from an empty project"
  if [[ $language == python ]]; then
    ASKTELL_WHEELS=dist python -m pytest --quiet tests/integration/test_wheels.py
  else
    python -m tests.readmes --release dist --language "$language"
  fi
done

echo
echo "dist/ has $version of ${only[*]}. To publish it:"
for language in "${only[@]}"; do
  echo "  $(publishing "$language")"
done
