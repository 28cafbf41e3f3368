"""Where READMEs are followed: beside this clone, with what its own builds have left in the caches."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.readmes.following import ROOT, Place


def local_repository(folder: Path) -> Path:
    """Maven's local repository, but without this client: what a README installs stays in `folder`."""
    real = Path(os.environ.get("MAVEN_REPO_LOCAL", Path.home() / ".m2/repository"))
    for parent in (folder, folder / "io"):
        parent.mkdir(parents=True)
    for shared in (*real.glob("*"), *real.glob("io/*")):
        if shared.relative_to(real).as_posix() not in {"io", "io/asktell"}:
            (folder / shared.relative_to(real)).symlink_to(shared)
    return folder


def _go(clone: Path, scratch: Path) -> Place:
    return Place(clone)


def _typescript(clone: Path, scratch: Path) -> Place:
    # The compiler that npm has in its cache; `tsc --init` of the newest writes the same file.
    compiler = json.loads((ROOT / "clients/typescript/package.json").read_text())["devDependencies"]["typescript"]
    settings = {"npm_config_prefer_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false"}
    return Place(clone, settings, {"--save-dev typescript": f"--save-dev typescript@{compiler}"})


def _java(clone: Path, scratch: Path) -> Place:
    repository = local_repository(scratch / "m2")
    return Place(clone, {"MAVEN_OPTS": f"-Dmaven.repo.local={repository}"}, {"mvn ": "mvn --batch-mode --quiet "})


def _rust(clone: Path, scratch: Path) -> Place:
    # As scripts/languages/rust.sh builds, so that the libraries are there already.
    shared = {
        "CARGO_TARGET_DIR": str(ROOT / "clients/rust/target"),
        "CARGO_PROFILE_DEV_DEBUG": "0",
        "CARGO_INCREMENTAL": "0",
    }
    return Place(clone, shared, seeds=(ROOT / "clients/rust/Cargo.lock",))


def _cpp(clone: Path, scratch: Path) -> Place:
    return Place(clone)


PLACES: dict[str, Callable[[Path, Path], Place]] = {
    "cpp": _cpp,
    "go": _go,
    "rust": _rust,
    "typescript": _typescript,
}
"""By language: the place for a client's folder and a scratch folder."""


def beside_this_clone(language: str, scratch: Path) -> Place:
    """The place of a newcomer who has cloned this repository and built it."""
    return PLACES[language](ROOT / "clients" / language, scratch)
