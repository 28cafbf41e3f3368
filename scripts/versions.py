"""The version of this repository, and every place where it stands.

usage: python scripts/versions.py [--set VERSION]

Prints the version; exits with 1, naming the places, where they differ. `--set` writes another one into all of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_TOML = r'^version = "(.+)"'
_JSON = r'"version": "(.+)"'
_POM = r"<artifactId>(?:asktell|workspace|digits)</artifactId>\s*<version>(.+)</version>"


@dataclass(frozen=True, slots=True)
class Place:
    """A pattern whose first group is the version; it is found `times` times in the file."""

    file: str
    pattern: str
    times: int = 1

    def found(self) -> list[str]:
        """The versions in the file. Raises ValueError when their number is another one."""
        found = re.findall(self.pattern, (ROOT / self.file).read_text(encoding="utf-8"), re.MULTILINE)[: self.times]
        if len(found) < self.times:
            raise ValueError(f"{self.file}: {self.pattern} is there {len(found)} times, not {self.times}")
        return found

    def put(self, version: str) -> None:
        """Writes a version into the file."""

        def replaced(match: re.Match[str]) -> str:
            start, end = match.start(1) - match.start(), match.end(1) - match.start()
            return match[0][:start] + version + match[0][end:]

        path = ROOT / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(self.pattern, replaced, text, count=self.times, flags=re.MULTILINE), encoding="utf-8")


PLACES = (
    Place("pyproject.toml", _TOML),
    Place("pyproject.toml", r'"asktell==(.+)"'),
    Place("clients/python/pyproject.toml", _TOML),
    Place("clients/go/doc.go", r'^const Version = "(.+)"'),
    Place("examples/go/go.mod", r"asktell/clients/go v(\S+)"),
    Place("clients/typescript/package.json", _JSON),
    Place("clients/typescript/package-lock.json", _JSON, times=2),
    Place("examples/typescript/package.json", _JSON),
    Place("clients/java/pom.xml", _POM),
    Place("clients/java/workspace.xml", _POM),
    Place("clients/java/README.md", _POM),
    Place("clients/java/src/main/java/io/asktell/Client.java", r'VERSION = "(.+)"'),
    Place("examples/java/pom.xml", _POM, times=2),
    Place("clients/rust/Cargo.toml", _TOML),
    Place("clients/rust/conformance/Cargo.toml", _TOML),
    Place("clients/rust/generate/Cargo.toml", _TOML),
    Place("examples/rust/Cargo.toml", _TOML),
    Place("clients/cpp/CMakeLists.txt", r"^project\(asktell VERSION (\S+)"),
)


def versions() -> dict[str, set[str]]:
    """Versions, each with the files in which it stands."""
    found: dict[str, set[str]] = {}
    for place in PLACES:
        for version in place.found():
            found.setdefault(version, set()).add(place.file)
    return found


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", metavar="VERSION", help="for example 0.2.0")
    version = parser.parse_args().set
    if version is not None:
        if not re.fullmatch(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?", version):
            parser.error(f"a version is MAJOR.MINOR.PATCH, got {version!r}")
        for place in PLACES:
            place.put(version)
    found = versions()
    if len(found) != 1:
        for each, files in sorted(found.items()):
            print(f"versions: {each} in {', '.join(sorted(files))}", file=sys.stderr)
        return 1
    print(next(iter(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
