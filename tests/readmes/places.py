"""Where READMEs are followed: beside this clone, or with what a release consists of."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from scripts.versions import versions
from tests.readmes.following import ROOT, Place

MAVEN = "mvn org.apache.maven.plugins:"
QUIET_MAVEN = "mvn --batch-mode --quiet org.apache.maven.plugins:"
NPM = {"npm_config_prefer_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false"}
# As scripts/languages/rust.sh builds, so that the libraries are there already.
CARGO = {
    "CARGO_TARGET_DIR": str(ROOT / "clients/rust/target"),
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_INCREMENTAL": "0",
    "CARGO_BUILD_JOBS": os.environ.get("ASKTELL_RUST_JOBS", "2"),
}


def _local_repository(folder: Path) -> dict[str, str]:
    """Maven's local repository, but without this client: what a README installs stays in `folder`."""
    real = Path.home() / ".m2/repository"
    for parent in (folder, folder / "io"):
        parent.mkdir(parents=True)
    for shared in (*real.glob("*"), *real.glob("io/*")):
        name = shared.relative_to(real)
        if name.as_posix() not in {"io", "io/asktell"}:
            (folder / name).symlink_to(shared)
    return {"MAVEN_OPTS": f"-Dmaven.repo.local={folder}"}


def _compiler() -> dict[str, str]:
    """The TypeScript that npm has in its cache; `tsc --init` of the newest writes the same file."""
    version = json.loads((ROOT / "clients/typescript/package.json").read_text())["devDependencies"]["typescript"]
    return {"--save-dev typescript": f"--save-dev typescript@{version}"}


def beside_this_clone(language: str, scratch: Path) -> Place:
    """The place of a newcomer who has cloned this repository, and built it: the builds' caches are used."""
    clone = ROOT / "clients" / language
    match language:
        case "typescript":
            return Place(clone, NPM, _compiler())
        case "java":  # installs what is built: other tests run it, so that it is not to be built again meanwhile
            (version,) = versions()
            return _maven(clone / f"target/asktell-{version}.jar", clone / "pom.xml", scratch)
        case "rust":
            return Place(clone, CARGO, seeds=(clone / "Cargo.lock",))
        case _:
            return Place(clone)


def _go(dist: Path, version: str, scratch: Path) -> Place:
    """`go get` from a module proxy that has the release; the other modules come from this machine's cache, or as ever."""
    query = subprocess.run(
        ["go", "env", "GOMODCACHE", "GOPROXY", "GOFLAGS"], capture_output=True, text=True, check=True
    )
    cache, usual, flags = query.stdout.splitlines()
    module = "github.com/asktell/asktell/clients/go"
    environment = {
        "GOPROXY": f"file://{dist}/go,file://{cache}/cache/download,{usual}",
        "GOMODCACHE": str(scratch / "modules"),  # not the user's: the real release of this version is another one
        "GONOSUMDB": module,
        "GOFLAGS": f"{flags} -modcacherw",
    }
    get = {f"go mod edit -replace {module}=../asktell/clients/go": f"go get {module}@v{version}"}
    return Place(dist, environment, get)


def _typescript(dist: Path, version: str, scratch: Path) -> Place:
    return Place(dist / f"asktell-{version}.tgz", NPM, _compiler())


def _java(dist: Path, version: str, scratch: Path) -> Place:
    return _maven(dist / f"asktell-{version}.jar", dist / f"asktell-{version}.pom", scratch)


def _maven(jar: Path, pom: Path, scratch: Path) -> Place:
    install = f"{MAVEN}maven-install-plugin:3.1.4:install-file -Dfile={jar} -DpomFile={pom}"
    instead = {"mvn -f ../asktell/clients/java/pom.xml install -DskipTests": install, MAVEN: QUIET_MAVEN}
    return Place(jar.parent, _local_repository(scratch / "m2"), instead)


def _rust(dist: Path, version: str, scratch: Path) -> Place:
    return Place(_unpacked(dist / f"asktell-{version}.crate", scratch), CARGO)


def _cpp(dist: Path, version: str, scratch: Path) -> Place:
    return Place(_unpacked(dist / f"asktell-cpp-{version}.tar.gz", scratch))


def _unpacked(archive: Path, scratch: Path) -> Path:
    """The folder in an archive that has one."""
    with tarfile.open(archive) as opened:
        opened.extractall(scratch / "unpacked", filter="data")
    (folder,) = (scratch / "unpacked").iterdir()
    return folder


RELEASED: dict[str, Callable[[Path, str, Path], Place]] = {
    "cpp": _cpp,
    "go": _go,
    "java": _java,
    "rust": _rust,
    "typescript": _typescript,
}
"""By language: the place of someone who takes a release out of the folder `dist` (which, its version, scratch)."""
